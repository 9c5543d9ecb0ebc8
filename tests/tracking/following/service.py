"""A batch of created runs: an emulator in this process, a client of it, and a ledger that knows the runs."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.lowlevel
import httpx
import msgspec

from batchrun.emulator.http.app import create_app
from batchrun.emulator.settings import EmulatorSettings
from batchrun.errors import Problem
from batchrun.ledger.events import FORMAT, BatchEvent, SessionEvent, StatusEvent, SubmittedEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_events, read_state
from batchrun.ledger.state import BatchState
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.changes import Change
from batchrun.wherobots.answers import Created
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings

__all__ = ["URL", "Service", "open_service"]

URL = "http://127.0.0.1:1"
"""Never connected to: the application is called directly."""


@dataclass(slots=True, kw_only=True)
class Service:
    """The emulator, a client of it, and a ledger."""

    app: Any
    client: RunsClient
    path: Path
    changes: list[Change] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    async def create(self, runs: int, *, first: int = 0, begins: bool = True, ends: bool = True) -> None:
        """Create runs and record them, as a session does that goes well."""
        with FileLedger.open(self.path, create=True) as ledger:
            at = ledger.clock.stamp
            if begins:
                await ledger.begin(batch_of(at(), runs))
                ledger.record(SessionEvent(at=at(), action="start", pid=1, host="here"))
            for number in range(first, first + runs):
                key, name = f"{number:016x}", f"tile-{number:05d}"
                await ledger.attempted(key, 1, name)
                answer = await self.client.create("aws-us-west-2", payload(name))
                assert isinstance(answer, Created), answer
                point = msgspec.Raw(json.dumps({"n": number}).encode())
                ledger.record(
                    SubmittedEvent(
                        at=at(), key=key, n=1, run_id=answer.run_id, name=name, status=answer.status, point=point
                    )
                )
            if ends:
                ledger.record(SessionEvent(at=at(), action="stop", pid=1, host="here", reason="done"))
            await ledger.flush()

    async def follower(self) -> BatchFollower:
        return await BatchFollower.open(
            self.path,
            self.client,
            wait_for_read=anyio.lowlevel.checkpoint,
            on_change=self.changes.append,
            on_note=self.notes.append,
        )

    async def configure(self, **settings: Any) -> None:
        answer = await self._control("PUT", "config", settings)
        assert answer.status_code == 200, answer.text

    async def audit(self) -> dict[str, str]:
        """What the service really holds: the status of each run by id, ``gone`` for those it forgot."""
        lines = (await self._control("GET", "runs")).text.splitlines()
        runs = [json.loads(line) for line in lines]
        return {run["id"]: "gone" if run["deletedAt"] else run["status"] for run in runs}

    async def calls(self) -> dict[str, int]:
        """Calls by kind."""
        found: dict[str, int] = (await self._control("GET", "stats")).json()["calls"]
        return found

    def recorded(self) -> dict[str, str | None]:
        """The status of each run by id, as the ledger has it."""
        return {run.run_id: run.status for run in self.state().runs.values() if run.run_id is not None}

    def state(self) -> BatchState:
        return read_state(self.path)

    def status_events(self) -> Counter[tuple[str, str]]:
        """How often each status of each run was written."""
        events = [event for event in read_events(self.path) if isinstance(event, StatusEvent)]
        return Counter((event.run_id, event.status) for event in events)

    async def _control(self, method: str, name: str, body: dict[str, Any] | None = None) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=URL) as control:
            return await control.request(method, f"/_emulator/{name}", json=body)


def batch_of(at: str, runs: int) -> BatchEvent:
    return BatchEvent(
        at=at, format=FORMAT, batch_id="b1", name="tiles", runs=runs, plan_sha256="0", base_url=URL, batchrun="0"
    )


def payload(name: str) -> bytes:
    return json.dumps(
        {"name": name, "runtime": "tiny", "runPython": {"uri": "s3://acme/tile.py", "args": [name]}}
    ).encode()


@asynccontextmanager
async def open_service(folder: Path, **settings: Any) -> AsyncIterator[Service]:
    """A service with these emulator settings."""
    app = create_app(EmulatorSettings.model_validate(settings))
    api = ApiSettings(api_key="k-tracking-1", base_url=URL)
    async with RunsClient(api, httpx.ASGITransport(app)) as client:
        yield Service(app=app, client=client, path=folder / "tiles.ledger.jsonl")
