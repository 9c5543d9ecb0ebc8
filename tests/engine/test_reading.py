"""Every read request of a submission goes through pacing: preflight, settling, and the watch over active runs."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typing_extensions import override

from batchrun.emulator.settings import EmulatorSettings, Faults
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.submit import submit
from batchrun.ledger.file import FileLedger
from tests.engine.parts import Wire, client_of, emulator
from tests.engine.service import plan_of


class Reads(Wire):
    """Remembers when each read request was sent."""

    def __init__(self, service: httpx.AsyncBaseTransport) -> None:
        super().__init__(service)
        self.at: list[float] = []

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.at.append(time.monotonic())
        return await super().handle_async_request(request)

    def most_in(self, seconds: float) -> int:
        return max(sum(at <= other < at + seconds for other in self.at) for at in self.at)


async def submitted(folder: Path, wire: Reads, *, runs: int, **settings: Any) -> None:
    chosen = SubmitSettings(settle_after_s=0.5, **settings)
    async with client_of(wire) as client:
        with FileLedger.open(folder / "a.ledger.jsonl", create=True) as ledger:
            ended = await submit(plan_of(runs), ledger, client, settings=chosen)
    assert ended.progress.submitted == runs


@pytest.mark.slow
async def test_watching_active_runs_keeps_to_the_reading_rate(tmp_path: Path) -> None:
    wire = Reads(emulator(EmulatorSettings(startup_s=0.05, run_s=0.2)))
    await submitted(tmp_path, wire, runs=40, rate=200.0, max_active=8, read_rate=4.0)
    assert len(wire.at) > 5
    assert wire.most_in(0.95) <= 4


@pytest.mark.slow
async def test_settling_keeps_to_the_reading_rate(tmp_path: Path) -> None:
    wire = Reads(emulator(EmulatorSettings(seed=3, faults=Faults(error_before_commit=0.2, error_after_commit=0.2))))
    await submitted(tmp_path, wire, runs=16, rate=200.0, read_rate=6.0)
    assert len(wire.at) > 6
    assert wire.most_in(0.95) <= 6
