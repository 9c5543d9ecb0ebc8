"""What all tests share: the backend, a guarded event loop, and an environment without the developer's own settings."""

import os
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import httpx  # noqa: F401 - loaded on first use, most often in an event loop, where reading files is an error:
import pytest
from blockbuster import BlockBuster, BlockBusterFunction, BlockingError
from hypothesis import HealthCheck, settings

import batchrun
import batchrun.wherobots.views  # which test is the first must not matter

# A busy machine makes no example wrong, and drawing it takes as long as it takes.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


PACKAGE = Path(batchrun.__file__).parent

MAY_BLOCK = {
    ("coverage/collector.py", "lock_data"): "make coverage: lines are counted under a lock",
    ("batchrun/ledger/file.py", "open"): "a ledger is opened before its batch starts, by a synchronous call",
    ("batchrun/files.py", "open_regular"): "tests read ledgers inside the loop; opening a file is not noticed either",
    ("batchrun/ledger/find.py", "find_ledger"): "likewise",
    ("batchrun/ledger/file.py", "close"): "and closed after it, likewise",
    ("batchrun/running.py", "blocking"): "waits for its own thread where a loop is running, as in a notebook's cell",
    ("batchrun/engine/batch.py", "new_batch"): "reads the installed version and resolves two paths, once a batch",
    ("batchrun/engine/session/events.py", "_event"): "reads the installed version, twice a batch",
    ("batchrun/emulator/http/server.py", "__init__"): "tests make an emulator inside the loop that they test",
    ("batchrun/emulator/http/server.py", "__enter__"): "and wait for its thread to start",
    ("batchrun/emulator/http/server.py", "__exit__"): "and for its thread to end",
    ("batchrun/emulator/runs/state_file.py", "open_state"): "opened before the emulator answers anything",
    ("batchrun/emulator/runs/state_file.py", "created"): "SQLite keeps a run before its creation is answered",
    ("batchrun/emulator/runs/state_file.py", "cancelled"): "as for created",
    ("batchrun/emulator/runs/state_file.py", "deleted"): "as for created",
    ("batchrun/emulator/runs/state_file.py", "clear"): "as for created",
    ("batchrun/emulator/runs/state_file.py", "stored"): "as for created",
    ("batchrun/emulator/runs/state_file.py", "removed"): "as for created",
    ("fastapi/routing.py", "_extract_endpoint_context"): "FastAPI looks up where an endpoint is defined, for errors",
}
"""Functions that may block an event loop, each with the reason."""


@pytest.fixture(autouse=True)
def blocking_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The calls below batchrun's code that blocked an event loop, in this thread or another; any fails the test.

    Such a call raises BlockingError. It is also noted here, because code that catches every exception would hide it.
    """
    noted: list[str] = []

    class NotedBlockingError(BlockingError):
        def __init__(self, func: str) -> None:
            super().__init__(func)
            ours = [frame for frame in traceback.extract_stack() if frame.filename.startswith(str(PACKAGE))]
            noted.append(f"{func} in {ours[-1].filename}:{ours[-1].lineno}")

    monkeypatch.setattr("blockbuster.blockbuster.BlockingError", NotedBlockingError)
    guard = BlockBuster("batchrun")
    guard.functions["os.fsync"] = BlockBusterFunction(os, "fsync", scanned_modules="batchrun")
    guard.functions["socket.getaddrinfo"] = BlockBusterFunction(socket, "getaddrinfo", scanned_modules="batchrun")
    for guarded in guard.functions.values():
        for file, function in MAY_BLOCK:
            guarded.can_block_in(file, function)
    guard.activate()
    try:
        yield noted
    finally:
        guard.deactivate()
    assert noted == []


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, region, proxy or certificate of whoever runs the tests gets into them."""
    for name in list(os.environ):
        if name.startswith(("WHEROBOTS_", "SSL_CERT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
