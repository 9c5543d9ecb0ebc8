"""Who takes part: how each is started, and again after a kill, and what it says it created."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["CLIENTS", "CONTENDERS", "OUTPUT", "Contender"]

CLIENTS = Path(__file__).parent / "clients"
BATCHRUN = Path(sys.executable).with_name("batchrun")
OUTPUT = "output.txt"
"""What all starts of a client printed."""


def last_line(folder: Path) -> int | None:
    """The number in a client's last ``N of M created``."""
    output = (folder / OUTPUT).read_text("utf-8", "replace")
    said = re.findall(r"^(\d+) of \d+ created$", output, re.MULTILINE)
    return int(said[-1]) if said else None


def ledger_count(folder: Path) -> int | None:
    """What batchrun's ledger says was submitted."""
    answer = subprocess.run([BATCHRUN, "status", "sweep.toml", "--json"], cwd=folder, capture_output=True, check=False)
    return int(json.loads(answer.stdout)["outcomes"]["submitted"]) if answer.returncode == 0 else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """One way to create the runs."""

    name: str
    command: tuple[str | Path, ...]  # the same again after a kill
    needs: tuple[str, ...] = ()  # Python packages
    programs: tuple[str, ...] = ()
    database: bool = False
    prepare: tuple[str | Path, ...] = ()  # once, before the first start
    claim: Callable[[Path], int | None] = last_line

    def missing(self) -> list[str]:
        """What is not installed."""
        packages = [name for name in self.needs if find_spec(name) is None]
        return packages + [name for name in self.programs if shutil.which(name) is None]


def _python(
    name: str, file: str, *needs: str, database: bool = False, prepare: tuple[str | Path, ...] = ()
) -> Contender:
    command = (sys.executable, CLIENTS / file)
    return Contender(name=name, command=command, needs=needs, database=database, prepare=prepare)


CONTENDERS = (
    Contender(name="curl loop", command=(CLIENTS / "curl_loop.sh",), programs=("curl",)),
    Contender(name="GNU parallel", command=(CLIENTS / "gnu_parallel.sh",), programs=("curl", "parallel")),
    _python("SDK, threads", "sdk_threads.py", "wherobots"),
    _python("httpx, tenacity, aiolimiter", "httpx_tenacity.py", "httpx", "tenacity", "aiolimiter"),
    _python("aiometer, stamina", "aiometer_stamina.py", "httpx", "aiometer", "stamina"),
    _python(
        "procrastinate",
        "procrastinate_jobs.py",
        "procrastinate",
        database=True,
        prepare=(sys.executable, "-m", "procrastinate", "--app", "procrastinate_jobs.app", "schema", "--apply"),
    ),
    _python("DBOS", "dbos_workflows.py", "dbos", database=True),
    Contender(name="batchrun", command=(BATCHRUN, "submit", "sweep.toml", "--yes"), claim=ledger_count),
)
