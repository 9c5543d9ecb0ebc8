"""Runs that the service holds, beside the planned run of their name."""

import json

import pytest

from batchrun.engine.evidence import Fit
from batchrun.engine.listing.held import SHOWN_DIFFERENCES, HeldRun, HeldRuns
from batchrun.ledger.events import AttemptEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, fold
from batchrun.wherobots.summaries import RunSummary
from tests.engine.service import plan_of
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

PLAN = plan_of(2)
FIRST, SECOND = PLAN
PAYLOAD = json.loads(FIRST.body)


def state() -> BatchState:
    """The second run is the service's "r2"; "theirs" was found to be another batch's."""
    found = BatchState()
    fold(found, batch(2))
    fold(found, AttemptEvent(at=AT, key=SECOND.key, n=1, name=SECOND.name))
    fold(found, SubmittedEvent(at=AT, key=SECOND.key, n=1, run_id="r2", name=SECOND.name))
    found.foreign.add("theirs")
    return found


def compared(run: RunSummary, *, is_planned: bool = True, since_s: float | None = None) -> HeldRun:
    planned = FIRST if is_planned else None
    return HeldRuns(state(), PLAN).compare(run, name=FIRST.name, key=FIRST.key, since_s=since_s, planned=planned)


def run(run_id: str = "r1", *, payload: dict[str, object] | None = PAYLOAD, at: str | None = None) -> RunSummary:
    return RunSummary(id=run_id, name=FIRST.name, status="RUNNING", create_time=at, payload=payload)


@pytest.mark.parametrize(
    ("found", "fit", "is_ours", "is_compared"),
    [
        (compared(run()), Fit.OURS, True, True),
        (compared(run("theirs")), Fit.OURS, False, True),
        (compared(run("r2")), Fit.FOREIGN, False, True),
        (compared(run(payload=PAYLOAD | {"runtime": "small"})), Fit.ODD, False, True),
        (compared(run(payload=None)), Fit.OURS, True, False),
        (compared(run(), is_planned=False), Fit.OURS, True, False),
        (compared(run(at="2020-01-01T00:00:00Z"), since_s=1_800_000_000.0), Fit.FOREIGN, False, True),
    ],
    ids=["ours", "decided", "held by another", "another payload", "no payload", "no plan", "older"],
)
def test_a_run_is_compared_by_the_rules_of_adoption(
    found: HeldRun, fit: Fit, *, is_ours: bool, is_compared: bool
) -> None:
    assert (found.fit, found.is_ours, found.is_compared) == (fit, is_ours, is_compared)


def test_the_holder_of_an_id_and_the_differences_are_named() -> None:
    assert compared(run("r2")).holder == SECOND.key
    assert compared(run()).holder is None
    (difference,) = compared(run(payload=PAYLOAD | {"runtime": "small"})).differences
    assert difference.path == "runtime"
    many = compared(run(payload={f"field-{number}": number for number in range(20)}))
    assert len(many.differences) == SHOWN_DIFFERENCES
    assert compared(run(payload=None)).differences == ()
