"""The emulator that belongs to a ledger: its runs are in a file next to it, and processes with the same ledger share it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.runs.state_file import StateInUseError
from batchrun.files import check_regular, resolved

__all__ = ["emulator_beside", "state_beside"]

SUFFIX = ".runs.sqlite"


def state_beside(ledger: Path) -> Path:
    """Where the emulator of a ledger keeps its runs; a symlink to a ledger leads to the same file.

    Raises:
        UsageError: symlinks lead in a circle, or the ledger is not a regular file.

    """
    path = resolved(ledger)
    if path.exists():
        check_regular(path.stat(), ledger)  # nothing is put beside a device
    return path.with_name(path.name + SUFFIX)


@contextmanager
def emulator_beside(ledger: Path) -> Iterator[str]:
    """The URL of an emulator with the runs of a ledger.

    It lives as long as the context, unless another process already runs it: then it lives as long as that process.

    Raises:
        UsageError: it cannot be started, or its file is not an emulator's.

    """
    try:
        server = EmulatorServer(state_file=state_beside(ledger))
    except StateInUseError as error:
        if error.url is None:
            raise
        yield error.url
        return
    with server:
        yield server.url
