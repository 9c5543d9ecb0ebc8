"""Where a ledger and the service disagree, on values: one run, one list, one finding."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batchrun.engine.batch import new_batch
from batchrun.engine.evidence import Fit
from batchrun.engine.listing.held import HeldRuns
from batchrun.engine.listing.known_runs import KnownRuns, read_known_runs
from batchrun.engine.reconciling.mismatches import Mismatch, MismatchKind, Seen, mismatches
from batchrun.ledger.clock import timestamp
from batchrun.ledger.events import (
    AttemptEvent,
    Event,
    ForeignEvent,
    RefusedEvent,
    RejectedEvent,
    RerunEvent,
    SessionEvent,
    SubmittedEvent,
    UnknownEvent,
    event_line,
)
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.wherobots.summaries import RunSummary
from tests.engine.service import URL, plan_of

NOW_S = 1_800_000_000.0
AT = timestamp(NOW_S)
PLAN = plan_of(3)
FIRST, SECOND, THIRD = PLAN
START = SessionEvent(at=AT, action="start", pid=1, host="h", server_offset_s=0.0)


def attempt(run: PlannedRun, n: int = 1) -> AttemptEvent:
    return AttemptEvent(at=AT, key=run.key, n=n, name=run.name)


def submitted(run: PlannedRun, run_id: str, n: int = 1) -> SubmittedEvent:
    return SubmittedEvent(at=AT, key=run.key, n=n, run_id=run_id, name=run.name)


def listed(run: PlannedRun, run_id: str, *, seconds: float = 1.0, **changes: Any) -> RunSummary:
    payload = {**json.loads(run.body), **changes}
    return RunSummary(id=run_id, name=run.name, create_time=timestamp(NOW_S + seconds), payload=payload)


def known_of(folder: Path, events: list[Event], plan: Plan = PLAN) -> KnownRuns:
    ledger = folder / "tiles.ledger.jsonl"
    first = new_batch(plan, URL)
    ledger.write_bytes(b"".join(map(event_line, [_at(first), START, *events])))
    return read_known_runs(ledger, plan)


def _at(event: Any) -> Any:
    return msgspec.structs.replace(event, at=AT)


def found(folder: Path, events: list[Event], *strangers: RunSummary, **seen: Any) -> list[Mismatch]:
    known = known_of(folder, events)
    planned = {run.key: run for run in PLAN}
    shown = Seen(**{"missing": [], "renamed": {}, "strangers": strangers, **seen})
    return list(mismatches(known, shown, HeldRuns(known.state, PLAN), planned.get))


def test_where_both_agree_nothing_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, [attempt(FIRST), submitted(FIRST, "r1")]) == []


def test_a_run_that_the_service_does_not_know_is_missing(tmp_path: Path) -> None:
    (one,) = found(tmp_path, [attempt(FIRST), submitted(FIRST, "r1")], missing=["r1"])
    assert (one.kind, one.name, one.run_id, one.key) == (MismatchKind.MISSING, FIRST.name, "r1", FIRST.key)


def test_a_run_of_another_name_is_renamed(tmp_path: Path) -> None:
    (one,) = found(tmp_path, [attempt(FIRST), submitted(FIRST, "r1")], renamed={"r1": "else"})
    assert (one.kind, one.run_id, one.found_name) == (MismatchKind.RENAMED, "r1", "else")


def test_a_second_run_of_a_name_that_was_sent_twice_is_to_be_cancelled(tmp_path: Path) -> None:
    events: list[Event] = [attempt(FIRST), UnknownEvent(at=AT, key=FIRST.key, n=1, reason="?"), attempt(FIRST, 2)]
    (one,) = found(tmp_path, [*events, submitted(FIRST, "r1", 2)], listed(FIRST, "r2"))
    assert (one.kind, one.run_id, one.to_cancel) == (MismatchKind.TWICE, "r1", ("r2",))


def test_a_second_run_of_a_name_that_was_sent_once_is_not_ours_to_cancel(tmp_path: Path) -> None:
    (one,) = found(tmp_path, [attempt(FIRST), submitted(FIRST, "r1")], listed(FIRST, "r2"))
    assert (one.kind, one.to_cancel) == (MismatchKind.TWICE, ())
    assert [held.run_id for held in one.held] == ["r2"]


def test_a_second_run_beside_an_adopted_one_is_not_ours_to_cancel(tmp_path: Path) -> None:
    """A user adopted one of two runs that this ledger never sent: the other is its own batch's only run of that name."""
    adopted = SubmittedEvent(at=AT, key=FIRST.key, n=0, run_id="r1", name=FIRST.name, via="resolved", duplicates=["r2"])
    (one,) = found(tmp_path, [adopted], listed(FIRST, "r2"))
    assert (one.kind, one.to_cancel) == (MismatchKind.TWICE, ())


def test_a_second_run_with_another_payload_is_not_ours_to_cancel(tmp_path: Path) -> None:
    events: list[Event] = [attempt(FIRST), UnknownEvent(at=AT, key=FIRST.key, n=1, reason="?"), attempt(FIRST, 2)]
    (one,) = found(tmp_path, [*events, submitted(FIRST, "r1", 2)], listed(FIRST, "r2", runtime="large"))
    assert (one.kind, one.to_cancel) == (MismatchKind.TWICE, ())
    assert [difference.path for difference in one.held[0].differences] == ["runtime"]


def test_a_second_run_of_a_name_that_is_to_be_run_again_is_held_twice(tmp_path: Path) -> None:
    again = RerunEvent(at=AT, keys=[FIRST.key], generation=2)
    (one,) = found(tmp_path, [attempt(FIRST), submitted(FIRST, "r1"), again], listed(FIRST, "r2"))
    assert (one.kind, one.name) == (MismatchKind.TWICE, FIRST.name)


def test_two_unknown_runs_of_one_name_are_two_findings(tmp_path: Path) -> None:
    other = AttemptEvent(at=AT, key="of another payload", n=1, name=FIRST.name)
    both = found(tmp_path, [attempt(FIRST), other], listed(FIRST, "r1"))
    assert {(one.kind, one.key) for one in both} == {(MismatchKind.UNKNOWN, key) for key in (FIRST.key, other.key)}


def test_a_run_from_before_the_batch_is_foreign(tmp_path: Path) -> None:
    (one,) = found(tmp_path, [attempt(FIRST), submitted(FIRST, "r1")], listed(FIRST, "r0", seconds=-60))
    assert (one.kind, [held.run_id for held in one.held]) == (MismatchKind.FOREIGN, ["r0"])


def test_what_a_person_declared_foreign_is_no_finding(tmp_path: Path) -> None:
    events: list[Event] = [ForeignEvent(at=AT, run_ids=["r2"]), attempt(FIRST), submitted(FIRST, "r1")]
    assert found(tmp_path, events, listed(FIRST, "r2")) == []


@pytest.mark.parametrize(
    "events",
    [
        [],
        [attempt(FIRST), RefusedEvent(at=AT, key=FIRST.key, n=1, status=429)],
        [attempt(FIRST), RejectedEvent(at=AT, key=FIRST.key, n=1, name=FIRST.name, status=422)],
    ],
    ids=["never sent", "refused", "rejected"],
)
def test_a_run_of_a_name_that_was_not_created_is_foreign(tmp_path: Path, events: list[Event]) -> None:
    (one,) = found(tmp_path, events, listed(FIRST, "r9"))
    assert (one.kind, one.name, one.run_id) == (MismatchKind.FOREIGN, FIRST.name, None)


@pytest.mark.parametrize("is_held", [True, False])
def test_an_unknown_run_is_shown_with_what_is_held(tmp_path: Path, is_held: bool) -> None:
    events: list[Event] = [attempt(FIRST), UnknownEvent(at=AT, key=FIRST.key, n=1, reason="reset")]
    (one,) = found(tmp_path, events, *([listed(FIRST, "r1")] if is_held else []))
    assert (one.kind, [held.is_ours for held in one.held]) == (MismatchKind.UNKNOWN, [True] if is_held else [])


def test_a_run_that_the_ledger_learned_meanwhile_is_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path, [attempt(FIRST), submitted(FIRST, "r1")], listed(FIRST, "r1")) == []


def test_a_name_that_is_not_planned_is_nobodys_business(tmp_path: Path) -> None:
    stranger = RunSummary(id="r1", name="tile-run-999", create_time=AT)
    assert found(tmp_path, [], stranger) == []


def rerun_of_first(n: int, run_id: str = "again") -> list[Event]:
    """The first run, created, and run again in its ``n``-th attempt in all."""
    name = f"{FIRST.name}-r2"
    rerun = RerunEvent(at=AT, keys=[FIRST.key], generation=2)
    sent = [AttemptEvent(at=AT, key=FIRST.key, n=number, name=name, generation=2) for number in range(2, n + 1)]
    ended = SubmittedEvent(at=AT, key=FIRST.key, n=n, run_id=run_id, name=name, generation=2)
    return [attempt(FIRST), submitted(FIRST, "r1"), rerun, *sent, ended]


def test_a_stranger_of_a_run_that_was_run_again_is_not_ours_to_cancel(tmp_path: Path) -> None:
    (mismatch,) = found(tmp_path, rerun_of_first(2), listed(FIRST, "other"))
    assert (mismatch.kind, mismatch.to_cancel) == (MismatchKind.TWICE, ())
    (mismatch,) = found(tmp_path, rerun_of_first(3), listed(FIRST, "other", runtime="large"))
    assert (mismatch.kind, mismatch.held[0].fit, mismatch.to_cancel) == (MismatchKind.TWICE, Fit.ODD, ())


def test_a_run_whose_payload_cannot_be_compared_is_not_to_be_cancelled(tmp_path: Path) -> None:
    """Another client may have created it under the same name."""
    known = known_of(tmp_path, [attempt(FIRST), attempt(FIRST, 2), submitted(FIRST, "r1", 2)])
    seen = Seen(missing=[], renamed={}, strangers=[listed(FIRST, "other", runtime="large")])
    (mismatch,) = mismatches(known, seen, HeldRuns(known.state, None), lambda _: None)
    assert (mismatch.kind, mismatch.to_cancel) == (MismatchKind.TWICE, ())


def test_a_rerun_that_was_sent_twice_is_to_be_cancelled(tmp_path: Path) -> None:
    again = msgspec.structs.replace(listed(FIRST, "other"), name=f"{FIRST.name}-r2")
    (mismatch,) = found(tmp_path, rerun_of_first(3), again)
    assert (mismatch.kind, mismatch.name, mismatch.to_cancel) == (MismatchKind.TWICE, f"{FIRST.name}-r2", ("other",))


def test_an_older_run_beside_one_that_was_recovered_may_be_ours(tmp_path: Path) -> None:
    recovered = msgspec.structs.replace(submitted(FIRST, "r1", 0), via="recovered")
    (mismatch,) = found(tmp_path, [recovered], listed(FIRST, "older", seconds=-500.0))
    assert (mismatch.kind, mismatch.to_cancel) == (MismatchKind.TWICE, ())
