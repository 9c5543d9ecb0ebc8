"""A client of an emulator that listens, for reading what runs wrote and cost."""

import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import anyio.to_thread
import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings, load_settings
from batchrun.tracking.reading import Reader
from batchrun.wherobots.answers import Created
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

REGION = "aws-us-west-2"


class Service:
    """An emulator with its client, and what it really holds."""

    def __init__(self, url: str, client: RunsClient) -> None:
        self.url = url
        self.client = client

    async def create(self, count: int, *args: str) -> list[str]:
        """Create this many runs; returns their ids."""
        ids = []
        for number in range(count):
            payload = {"name": f"tracked-{number}", "runtime": "tiny", "timeoutSeconds": 3600}
            body = payload | {"runPython": {"uri": "s3://acme/job.py", "args": [*args, str(number)]}}
            answer = await self.client.create(REGION, json.dumps(body).encode())
            assert isinstance(answer, Created)
            ids.append(answer.run_id)
        return ids

    async def audit(self, path: str) -> list[dict[str, Any]]:
        """What the emulator says of itself, line by line."""
        return await anyio.to_thread.run_sync(partial(_lines, f"{self.url}{path}"))

    async def log(self, run_id: str) -> list[str]:
        """Every line that a run has written."""
        return [line["raw"] for line in await self.audit(f"/_emulator/runs/{run_id}/logs")]


def _lines(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url) as answer:
        return [json.loads(line) for line in answer]


Emulating = Callable[..., Any]


@pytest.fixture
async def emulating() -> AsyncIterator[Emulating]:
    """Starts an emulator with the given settings."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Service:
            loaded: EmulatorSettings = load_settings(None, {"startup_s": 0, **settings})
            server = EmulatorServer(loaded)
            running = await anyio.to_thread.run_sync(server.__enter__)
            stack.callback(server.__exit__, None, None, None)
            api = ApiSettings(api_key="tracking-key-1", base_url=running.url)
            client = await stack.enter_async_context(RunsClient(api, open_transport(api, connections=8)))
            return Service(running.url, client)

        yield start


async def _at_once() -> None:
    """Read requests as fast as they come."""


READER = Reader(_at_once)
