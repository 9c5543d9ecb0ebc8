"""What a ledger knows of runs after their creation, event by event."""

from typing import Any

import pytest

from batchrun.ledger.events import (
    BatchEvent,
    CancelEvent,
    CostEvent,
    Event,
    RateEvent,
    RerunEvent,
    StatusEvent,
    SubmittedEvent,
    UploadEvent,
)
from batchrun.ledger.fold import BatchState, Outcome, RunState, fold_all
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

SUBMITTED = SubmittedEvent(at=AT, key="k", n=1, run_id="r1", name="tile", status="PENDING")


def state_of(*events: Event, first: BatchEvent | None = None) -> BatchState:
    return fold_all(BatchState(), [first or batch(), SUBMITTED, *events])


def run_of(*events: Event) -> RunState:
    return state_of(*events).runs["k"]


def status(status: str, *, run_id: str = "r1", **known: Any) -> StatusEvent:
    return StatusEvent(at=AT, key="k", run_id=run_id, status=status, **known)


def cost(units: str, *, run_id: str = "r1") -> CostEvent:
    return CostEvent(at=AT, key="k", run_id=run_id, state="settling", spatial_units=units)


def rerun(generation: int = 2, **overrides: Any) -> RerunEvent:
    return RerunEvent(at=AT, keys=["k", "never sent"], generation=generation, overrides=overrides)


def again(n: int = 2) -> SubmittedEvent:
    return SubmittedEvent(at=AT, key="k", n=n, run_id=f"r{n}", name=f"tile-r{n}", generation=n)


def test_each_status_adds_what_it_knows_and_takes_nothing_back() -> None:
    run = run_of(
        status("RUNNING", create_time="2026-11-23T10:00:01Z", start_time="2026-11-23T10:00:05Z", kube_app_id="app"),
        status("FAILED", complete_time="2026-11-23T10:01:00Z", code="EXEC", message="exit 1"),
    )
    assert run.tracked is not None
    assert (run.status, run.tracked.code, run.tracked.message, run.tracked.kube_app_id) == (
        "FAILED",
        "EXEC",
        "exit 1",
        "app",
    )
    assert run.tracked.started_s is not None
    assert run.tracked.completed_s == run.tracked.started_s + 55


def test_the_creation_time_is_the_first_that_was_reported() -> None:
    run = run_of(
        status("PENDING", create_time="2026-11-23T10:00:01Z"), status("RUNNING", create_time="2026-11-23T11:00:00Z")
    )
    assert run.tracked is not None
    assert run.tracked.create_time == "2026-11-23T10:00:01Z"


@pytest.mark.parametrize(
    "event", [status("FAILED", run_id="r0"), CancelEvent(at=AT, key="k", run_id="r0"), cost("9", run_id="r0")]
)
def test_what_is_about_another_run_of_the_key_changes_nothing(event: Event) -> None:
    run = run_of(event)
    assert (run.status, run.tracked, run.cancel_requested) == ("PENDING", None, False)


@pytest.mark.parametrize("kind", [StatusEvent, CostEvent, CancelEvent])
def test_a_key_that_the_ledger_does_not_know_is_passed_over(kind: Any) -> None:
    more = {StatusEvent: {"status": "RUNNING"}, CostEvent: {"state": "live"}}.get(kind, {})
    assert set(state_of(kind(at=AT, key="unknown", run_id="r", **more)).runs) == {"k"}


def test_an_ended_run_keeps_its_name_no_longer() -> None:
    assert run_of(status("RUNNING")).name == "tile"
    assert run_of(status("COMPLETED")).name is None


def test_a_rerun_is_pending_and_its_earlier_run_stays_known() -> None:
    state = state_of(status("FAILED", code="EXEC"), rerun(runtime="large"))
    run = state.runs["k"]
    assert (run.outcome, run.run_id, run.status, run.tracked, run.generation) == (Outcome.PENDING, None, None, None, 2)
    assert run.overrides == {"runtime": "large"}
    assert [(one.generation, one.run_id, one.status) for one in run.earlier] == [(1, "r1", "FAILED")]
    assert (state.counts[Outcome.SUBMITTED], state.counts[Outcome.PENDING]) == (0, 1)


def test_the_same_request_read_twice_is_one_rerun() -> None:
    assert len(run_of(status("FAILED"), rerun(), rerun()).earlier) == 1
    run = run_of(status("FAILED"), rerun(), again(), status("FAILED", run_id="r2"), rerun())
    assert (run.outcome, run.run_id, len(run.earlier)) == (Outcome.SUBMITTED, "r2", 1)


@pytest.mark.parametrize("followed", [[status("FAILED")], []])
def test_a_cost_that_becomes_known_after_a_rerun_belongs_to_the_run_that_was_billed(followed: list[Event]) -> None:
    run = run_of(*followed, rerun(), again(), cost("1.5"), cost("0.5", run_id="r2"))
    (earlier,) = run.earlier
    assert earlier.tracked is not None
    assert earlier.tracked.cost == cost("1.5")
    assert run.tracked is not None
    assert run.tracked.cost == cost("0.5", run_id="r2")


def test_a_cancellation_is_of_one_generation() -> None:
    cancel = CancelEvent(at=AT, key="k", run_id="r1")
    assert run_of(cancel).cancel_requested
    assert not run_of(cancel, status("CANCELLED"), rerun()).cancel_requested


def test_an_upload_is_known_by_name_content_and_region_wherever_the_file_was() -> None:
    upload = UploadEvent(at=AT, path="jobs/tile.py", sha256="f" * 64, region="eu", destination="s3://x/tile.py")
    assert state_of(upload).uploads == {("tile.py", "f" * 64, "eu"): "s3://x/tile.py"}


def test_the_latest_rate_counts() -> None:
    state = state_of(RateEvent(at=AT, rate_per_s=5, window_s=60), RateEvent(at=AT, rate_per_s=7, refused_per_s=9))
    assert state.rate == {"rate_per_s": 7, "window_s": None, "refused_per_s": 9}
