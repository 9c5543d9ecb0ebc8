"""The learned rate is in the ledger while a session works, not only at its end."""

from pathlib import Path

import pytest
from typing_extensions import override

from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.batch import new_batch
from batchrun.engine.learned_rate import RateRecorder, pacer_for
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.pacing.search_values import Learned
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.submit import submit
from batchrun.ledger.events import RateEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_events, read_state
from tests.engine.parts import client_of, emulator
from tests.engine.service import URL, plan_of


class Known(Pacer):
    """A pacer that learned what a test says."""

    def __init__(self) -> None:
        super().__init__(rate=None)
        self.known: Learned | None = None

    @override
    def learned(self) -> Learned | None:
        return self.known


def rates(path: Path) -> list[tuple[float, float | None]]:
    return [(event.rate_per_s, event.window_s) for event in read_events(path) if isinstance(event, RateEvent)]


async def test_it_is_written_when_it_changed_and_every_few_seconds_at_most(tmp_path: Path) -> None:
    path, pacer = tmp_path / "a.ledger.jsonl", Known()
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(new_batch(plan_of(1), URL))
        recorder = RateRecorder(ledger, pacer)
        for now, rate, window_s in [
            (0.0, None, None),
            (1.0, 40.0, None),
            (2.0, 80.0, None),  # too soon
            (4.0, 81.0, None),
            (8.0, 81.5, None),  # hardly different
            (12.0, 81.5, 60.0),
        ]:
            pacer.known = None if rate is None else Learned(rate_per_s=rate, window_s=window_s)
            recorder.keep(now)
        await ledger.flush()
    assert rates(path) == [(40.0, None), (81.0, None), (81.5, 60.0)]


async def test_what_the_last_session_learned_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger.jsonl"
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(new_batch(plan_of(1), URL))
        RateRecorder(ledger, Pacer(rate=None, learned=Learned(rate_per_s=40.0))).keep(10.0)
        await ledger.flush()
    assert rates(path) == []


@pytest.mark.slow
async def test_a_session_writes_it_while_it_works(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger.jsonl"
    service = emulator(EmulatorSettings(rate_limit_per_s=60.0, burst=8, limit_on="create"))
    async with client_of(service) as client:
        with FileLedger.open(path, create=True) as ledger:
            await submit(plan_of(240), ledger, client, settings=SubmitSettings(settle_after_s=1.0))
    assert rates(path)
    assert all(20.0 < rate < 200.0 for rate, _ in rates(path))


async def test_a_session_that_was_killed_leaves_it_to_its_successor(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger.jsonl"
    async with client_of(emulator()) as client:
        with FileLedger.open(path, create=True) as ledger:
            await ledger.begin(new_batch(plan_of(1), URL))
            for rate_per_s in (50.0, 60.0):
                ledger.record(RateEvent(at=ledger.clock.stamp(), rate_per_s=rate_per_s, window_s=60.0))
            await ledger.flush()
        learned = pacer_for(client, SubmitSettings(), read_state(path)).learned()
    assert learned == Learned(rate_per_s=60.0 * 0.98, window_s=60.0)
