"""The how-to guides can be followed as they are: commands, queries and snippets run against one emulator."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import duckdb
import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import load_settings

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to"
GUIDES = ("follow", "resume", "failed-runs", "costs", "results")
ASKS = ("batchrun rerun", "batchrun cancel")
FAILING = [{"where": "--region eu", "share": 0.6, "message": "java.lang.OutOfMemoryError: Java heap space"}]

AROUND = """
import os

import anyio
import pandas

import batchrun


async def main():
    settings = batchrun.ApiSettings.from_environment(os.environ)
    async with batchrun.RunsClient(settings, batchrun.open_transport(settings)) as client:
{snippets}


anyio.run(main)
"""
"""What the snippets of the guide to Python assume: an open client, and names that were imported before."""

pytestmark = pytest.mark.e2e


def shown(page: Path, fence: str) -> list[str]:
    return re.findall(rf"^```{fence}[^\n]*\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A folder with ``sweep.toml``, and an environment with the address of a service: what the guides assume."""

    folder: Path
    environ: dict[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("guides")
    (folder / "sweep.toml").write_text(shown(ROOT / "README.md", "toml")[0].split("\n[submit]")[0], "utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("WHEROBOTS_", "BATCHRUN_"))}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    with EmulatorServer(load_settings(None, {"startup_s": 0, "run_s": 0.2, "fail_where": FAILING})) as server:
        environ |= {"WHEROBOTS_API_BASE_URL": server.url, "WHEROBOTS_API_KEY": "any-key-will-do"}
        guides = Workshop(folder=folder, environ=environ)
        guides.run("batchrun submit sweep.toml --watch --yes")
        shutil.copy(folder / "sweep.ledger.jsonl", folder / "last.ledger.jsonl")
        yield guides


@pytest.mark.timeout(300)  # up to a dozen processes one after the other, also on a busy machine
@pytest.mark.parametrize("guide", GUIDES)
def test_the_commands_of_a_guide_are_accepted(guide: str, workshop: Workshop) -> None:
    for line in "".join(shown(HOW_TO / f"{guide}.md", "sh")).splitlines():
        command = line.split("  #")[0]
        done = workshop.run(f"{command} --yes" if command.startswith(ASKS) else command)  # nobody can be asked here
        assert done.returncode in {0, 1}, f"$ {command}\n{done.stdout}{done.stderr}"


def test_the_query_finds_the_runs(workshop: Workshop) -> None:
    (query,) = shown(HOW_TO / "results.md", "sql")
    query = query.replace("sweep.ledger.jsonl", str(workshop.folder / "sweep.ledger.jsonl"))
    found = duckdb.sql(query)
    assert found is not None
    assert {row[0] for row in found.fetchall()} >= {"COMPLETED"}


def test_the_snippets_of_the_guide_to_python_run(workshop: Workshop) -> None:
    text = (HOW_TO / "python.md").read_text("utf-8")
    snippets = re.findall(r"^```python only-shown\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (workshop.folder / "snippets.py").write_text(AROUND.format(snippets=indent("\n".join(snippets), " " * 8)), "utf-8")
    done = workshop.run(f"{sys.executable} snippets.py")
    assert done.returncode == 0, done.stderr
    assert "spatial units" in done.stdout


@pytest.mark.parametrize("guide", ["results", "report"])
def test_the_snippets_about_a_whole_batch_run(guide: str, workshop: Workshop) -> None:
    workshop.run("batchrun ledger export sweep.toml -o wide.csv --wide")
    snippets = shown(HOW_TO / f"{guide}.md", "python")
    assert snippets
    (workshop.folder / "snippets.py").write_text("\n".join(snippets), "utf-8")
    done = workshop.run(f"{sys.executable} snippets.py")
    assert done.returncode == 0, done.stderr


def test_the_function_that_resolves_runs_works(workshop: Workshop) -> None:
    (snippet,) = shown(HOW_TO / "unknown-runs.md", "python")
    call = 'import os\n\nanyio.run(adopt_the_only_candidate, "sweep.ledger.jsonl", ApiSettings.from_environment(os.environ))\n'
    (workshop.folder / "adopt.py").write_text(f"{snippet}\n{call}", "utf-8")
    done = workshop.run(f"{sys.executable} adopt.py")
    assert done.returncode == 0, done.stderr


def test_the_guide_to_testing_is_a_test_that_passes(tmp_path: Path) -> None:
    code, test = shown(HOW_TO / "testing.md", "python")
    (tmp_path / "submit_tiles.py").write_text(code, "utf-8")
    (tmp_path / "test_tiles.py").write_text(test, "utf-8")
    words = ["-q", "-p", "batchrun.pytest_plugin", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_messages_that_are_explained_are_printed_by_some_part() -> None:
    sources = " ".join(path.read_text("utf-8") for path in (ROOT / "batchrun").rglob("*.py"))
    quoted = re.findall(r'^\*\*"(.+?)"\*\*', (HOW_TO / "troubleshooting.md").read_text("utf-8"), re.MULTILINE)
    assert len(quoted) > 5
    assert [message for message in quoted if message not in sources and message not in COMPOSED] == []


COMPOSED = {"active: quota", "the ledger was replaced by another file while the batch was running"}
"""Of two parts in the source: ``engine/session/bottleneck.py`` and ``ledger/writer.py``."""
