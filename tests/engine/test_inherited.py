"""What a session takes over from earlier ones: unknown runs, settled first, and the doubt whether its key can see them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from batchrun.engine.batch import extended_batch, new_batch
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.progress import Reporter
from batchrun.engine.session.wiring import SessionParts, SessionSpec, wire
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason, StopSwitch
from batchrun.ledger.events import AttemptEvent, DuplicatesEvent, Event, SubmittedEvent, UnknownEvent
from batchrun.ledger.file import FileLedger
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from tests.engine.parts import Notes, client_of, emulator
from tests.engine.service import SWEEP, URL, plan_of
from tests.engine.virtual_time import VirtualClock
from tests.ledger.test_fold import AT

PLAN = plan_of(3)
FIRST, SECOND, _ = PLAN
SETTLE_AFTER_S = 10.0


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def lost(n: int = 1) -> list[Event]:
    """The first run was sent ``n`` times, and no response came."""
    return [
        AttemptEvent(at=AT, key=FIRST.key, n=n, name=FIRST.name),
        UnknownEvent(at=AT, key=FIRST.key, n=n, reason="connection reset"),
    ]


@asynccontextmanager
async def wired(
    folder: Path, events: Iterable[Event], *, plan: Plan = PLAN, **spec: Any
) -> AsyncIterator[tuple[SessionParts, Notes, StopSwitch]]:
    """The parts of a session that continues a ledger with these events, for ``plan``; none of them runs."""
    path, observer, switch = folder / "tiles.ledger.jsonl", Notes(), StopSwitch()
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(new_batch(PLAN, URL))
        for event in events:
            ledger.record(event)
        await ledger.flush()
    with FileLedger.open(path) as ledger:
        if plan is not PLAN:
            await ledger.begin(extended_batch(plan, ledger.state, URL))
        async with client_of(emulator()) as client:
            settings = SubmitSettings(rate=1000.0, settle_after_s=SETTLE_AFTER_S)
            parts = wire(
                SessionSpec(
                    plan=plan,
                    ledger=ledger,
                    client=client,
                    pacer=pacer_for(client, settings, ledger.state),
                    settings=settings,
                    reporter=Reporter(observer),
                    switch=switch,
                    **spec,
                )
            )
            yield parts, observer, switch


async def test_an_unknown_run_is_settled_and_keeps_its_slot_meanwhile(tmp_path: Path) -> None:
    async with wired(tmp_path, lost()) as (parts, observer, _):
        assert await parts.inherited.take_over() == frozenset()
        (case,) = parts.to_settle
        assert (case.work.key, case.work.is_inherited, case.work.n) == (FIRST.key, True, 1)
        await parts.backlog.read_ahead()
        taken = [await parts.backlog.take() for _ in range(2)]
        assert FIRST.key not in {work.key for work in taken if work is not None}
        assert parts.backlog.is_empty
        assert not parts.backlog.is_drained_but(2), "the unknown run counts as out, too"
        assert observer.seen == []


async def test_a_run_that_this_ledger_never_sent_stays_unknown_until_a_person_decides(tmp_path: Path) -> None:
    """A rebuilt ledger has doubtful runs: a list cannot show whose they are."""
    doubtful = UnknownEvent(at=AT, key=FIRST.key, n=0, name=FIRST.name, reason="more than one run fits")
    async with wired(tmp_path, [doubtful]) as (parts, observer, _):
        await parts.inherited.take_over()
        assert len(parts.to_settle) == 0
        (note,) = observer.seen
        assert note.place == FIRST.name
        assert note.fact.endswith("stays unknown; more than one run fits")


async def test_a_run_whose_name_another_key_has_now_is_settled_before_anything_is_sent(tmp_path: Path) -> None:
    """Two keys under one name, both unknown, could not be told apart in a list."""
    text = SWEEP.replace("LAST", "3").replace('runtime = "tiny"', 'runtime = "tiny"\ntimeout = "2h"')
    changed = build_plan(Manifest.parse(text, name="tiles", directory=tmp_path), environ={})
    async with wired(tmp_path, lost(), plan=changed) as (parts, _, _):
        assert await parts.inherited.take_over() == {FIRST.key}


async def test_runs_that_were_sent_twice_are_looked_for_once_more_unless_that_was_done(tmp_path: Path) -> None:
    twice = [*lost(), *lost(2), SubmittedEvent(at=AT, key=FIRST.key, n=2, run_id="r1", name=FIRST.name)]
    once = SubmittedEvent(at=AT, key=SECOND.key, n=1, run_id="r2", name=SECOND.name)
    async with wired(tmp_path, [*twice, once]) as (parts, _, _):
        await parts.inherited.take_over()
        assert [resent.key for resent in parts.inherited._outcomes.resent] == [FIRST.key]
    (tmp_path / "looked").mkdir()
    looked = DuplicatesEvent(at=AT, key=FIRST.key, run_ids=[])
    async with wired(tmp_path / "looked", [*twice, once, looked]) as (parts, _, _):
        await parts.inherited.take_over()
        assert parts.inherited._outcomes.resent == []


async def test_a_key_that_shows_no_run_of_the_batch_in_time_stops_it(tmp_path: Path, clock: VirtualClock) -> None:
    async with wired(tmp_path, lost(), is_same_organization=False) as (parts, _, switch):
        await parts.inherited.take_over()
        await parts.backlog.read_ahead()
        began_s = clock.now_s
        await parts.inherited.prove_organization()
        assert clock.now_s - began_s == pytest.approx(2 * SETTLE_AFTER_S, abs=0.01)
        assert switch.stop is not None
        assert switch.stop.reason is StopReason.UNPROVEN_KEY


async def test_with_nothing_to_settle_no_proof_is_waited_for(tmp_path: Path, clock: VirtualClock) -> None:
    async with wired(tmp_path, [], is_same_organization=False) as (parts, _, switch):
        await parts.inherited.take_over()
        began_s = clock.now_s
        await parts.inherited.prove_organization()
        assert clock.now_s - began_s < 0.01
        assert switch.stop is None
