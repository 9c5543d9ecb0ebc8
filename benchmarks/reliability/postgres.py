"""A PostgreSQL cluster of our own in a temporary folder, reached over a Unix socket."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["cluster", "has_postgres", "new_database"]

USER = "postgres"  # Debian's package creates it; initdb refuses to run as root


def _programs() -> Path | None:
    found = shutil.which("pg_ctl")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))  # not on PATH there
    return Path(found).resolve().parent if found else debian[-1].parent if debian else None


def has_postgres() -> bool:
    return _programs() is not None


def _run(*words: str | Path) -> None:
    user = USER if os.geteuid() == 0 else None
    subprocess.run(words, check=True, user=user, group=user, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def cluster() -> Iterator[str]:
    """The folder of the socket of a running cluster."""
    programs = _programs()
    assert programs is not None, "PostgreSQL is not installed"
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder, data = Path(name), Path(name) / "data"
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        _run(programs / "initdb", "--pgdata", data, "--username", USER, "--auth", "trust", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c max_connections=60"
        _run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield str(folder)
        finally:
            _run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def new_database(socket: str, name: str) -> str:
    """The URL of a new, empty database."""
    programs = _programs()
    assert programs is not None
    _run(programs / "createdb", "--host", socket, "--username", USER, name)
    return f"postgresql://{USER}@/{name}?host={socket}"
