"""Fixtures of the emulator's tests: a client of an emulator in this process, without a socket."""

import copy
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from batchrun.emulator.http.app import create_app
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import load_settings

Service = Callable[..., httpx.AsyncClient]

PAYLOAD: dict[str, Any] = {"runtime": "tiny", "name": "hello-world", "runPython": {"uri": "s3://bucket/hello.py"}}


@pytest.fixture
def payload() -> dict[str, Any]:
    """A valid request body."""
    return copy.deepcopy(PAYLOAD)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Makes a client of a new emulator with the given settings; it takes a state file over from an earlier one."""
    owners: dict[Path, FastAPI] = {}
    async with AsyncExitStack() as stack:

        def make(*, state_file: Path | None = None, key: str = "key", **settings: Any) -> httpx.AsyncClient:
            if state_file in owners:
                owners[state_file].state.store.close()
            app = create_app(load_settings(None, settings), state_file=state_file)
            if state_file is not None:
                owners[state_file] = app
            stack.callback(app.state.store.close)
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://emulator", headers={"X-API-Key": key}
            )
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def contract() -> dict[str, Any]:
    """The service's contract for ``POST /runs``."""
    text = (Path(__file__).parent / "contract.json").read_text(encoding="utf-8")
    contract: dict[str, Any] = json.loads(text)
    return contract


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer() as running:
        yield running
