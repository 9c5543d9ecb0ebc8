"""A ledger's runs by id and by name, and whose a name is."""

from pathlib import Path

import pytest

from batchrun.engine.listing.known_runs import KnownRuns, read_known_runs
from batchrun.errors import LedgerFormatError
from batchrun.ledger.events import AttemptEvent, Event, RerunEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.file import FileLedger
from tests.engine.service import plan_of
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

PLAN = plan_of(3)
FIRST, SECOND, THIRD = PLAN


def created(n: int, run_id: str, name: str, generation: int = 1) -> list[Event]:
    return [
        AttemptEvent(at=AT, key=FIRST.key, n=n, name=name, generation=generation),
        SubmittedEvent(at=AT, key=FIRST.key, n=n, run_id=run_id, name=name, generation=generation),
    ]


async def known(folder: Path, *events: Event) -> KnownRuns:
    path = folder / "a.ledger.jsonl"
    with FileLedger.open(path, create=True) as ledger:
        await ledger.begin(batch(3))
        for event in events:
            ledger.record(event)
        await ledger.flush()
    return read_known_runs(path)


@pytest.fixture
async def found(tmp_path: Path) -> KnownRuns:
    """The first run was sent twice and run again, the answer about the second was lost, the third was never sent."""
    return await known(
        tmp_path,
        AttemptEvent(at=AT, key=FIRST.key, n=1, name=FIRST.name),
        *created(2, "r1", FIRST.name),
        RerunEvent(at=AT, keys=[FIRST.key], generation=2),
        *created(3, "r2", "tile-run-1-r2", 2),
        AttemptEvent(at=AT, key=SECOND.key, n=1, name=SECOND.name),
        UnknownEvent(at=AT, key=SECOND.key, n=1, reason="no response", name=SECOND.name),
    )


async def test_runs_are_known_by_id_and_by_name(found: KnownRuns) -> None:
    assert found.names == {"r1": FIRST.name, "r2": "tile-run-1-r2"}
    assert found.place(FIRST.name) == (FIRST.key, 1)
    assert found.place("tile-run-1-r2") == (FIRST.key, 2)
    assert found.place(SECOND.name) == (SECOND.key, 1)
    assert THIRD.name not in found
    assert not found.has_taken_over


async def test_a_rerun_that_the_ledger_lost_is_still_its_runs(found: KnownRuns) -> None:
    assert found.place("tile-run-1-r3") == (FIRST.key, 3)
    assert found.place("tile-run-9-r2") is None


async def test_the_next_name_is_that_of_the_rerun_that_may_be_lost(found: KnownRuns) -> None:
    assert found.next_name(FIRST.name) is None  # its rerun is known
    assert found.next_name("tile-run-1-r2") == "tile-run-1-r3"
    assert found.next_name(SECOND.name) == "tile-run-2-r2"
    assert found.next_name(THIRD.name) is None


async def test_attempts_are_counted_by_generation(found: KnownRuns) -> None:
    assert (found.attempts(FIRST.key, 1), found.attempts(FIRST.key, 2)) == (2, 1)
    assert (found.attempts(SECOND.key, 1), found.attempts(THIRD.key, 1)) == (1, 0)


async def test_a_run_that_was_adopted_may_be_older_than_the_ledger(tmp_path: Path) -> None:
    adopted = SubmittedEvent(at=AT, key=FIRST.key, n=0, run_id="r1", name=FIRST.name, via="recovered")
    assert (await known(tmp_path, adopted)).has_taken_over


def test_an_empty_ledger_knows_none(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger.jsonl"
    path.touch()
    with pytest.raises(LedgerFormatError):
        read_known_runs(path)
