"""Which runs a growing ledger is about, and what is known of them when they are followed."""

from typing import Any

import pytest

from batchrun.ledger.clock import epoch_seconds, timestamp
from batchrun.ledger.events import Event, RerunEvent, SessionEvent, StatusEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, fold
from batchrun.tracking.created_runs import CREATED_BEFORE_S, CreatedRuns, learn_from_ended, recorded_change, unfinished
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch
from tests.tracking.following.runs import CREATED_S, followed, poller


def submitted(number: int, *, generation: int = 1) -> SubmittedEvent:
    name = f"tile-{number}" if generation == 1 else f"tile-{number}-r{generation}"
    run_id = f"id-{number}" if generation == 1 else f"id-{number}-{generation}"
    return SubmittedEvent(
        at=AT, key=f"key-{number}", n=generation, run_id=run_id, name=name, status="PENDING", generation=generation
    )


def status(number: int, status: str, *, run_id: str = "", **times: Any) -> StatusEvent:
    return StatusEvent(at=AT, key=f"key-{number}", run_id=run_id or f"id-{number}", status=status, **times)


class Ledger:
    """Events as they are read: observed first, then folded."""

    def __init__(self, *events: Event) -> None:
        self.created, self.state = CreatedRuns(), BatchState()
        self.read(batch(), SessionEvent(at=AT, action="start", pid=1, host="here", server_offset_s=0.0), *events)
        self.created.begin()

    def read(self, *events: Event) -> None:
        for event in events:
            self.created.observe(event)
            fold(self.state, event)

    def news(self) -> list[tuple[str, str, str | None, bool]]:
        return [
            (new.run.run_id, new.run.name, new.event.status if new.event is not None else None, new.is_new)
            for new in self.created.take_new(self.state)
        ]


def test_what_was_there_before_is_no_news() -> None:
    assert Ledger(submitted(1), status(1, "RUNNING")).news() == []


def test_each_run_is_news_once_with_its_latest_status() -> None:
    ledger = Ledger(submitted(1))
    ledger.read(submitted(2), status(1, "RUNNING"), status(1, "COMPLETED"), status(2, "RUNNING"))
    assert ledger.news() == [("id-2", "tile-2", "RUNNING", True), ("id-1", "", "COMPLETED", False)]
    assert ledger.news() == []


def test_a_run_that_was_created_and_ended_between_two_looks_keeps_its_name() -> None:
    ledger = Ledger()
    ledger.read(submitted(1), status(1, "COMPLETED"))  # the state forgets the names of ended runs
    assert ledger.news() == [("id-1", "tile-1", "COMPLETED", True)]


def test_what_is_about_an_earlier_generation_is_no_news_of_the_run() -> None:
    ledger = Ledger(submitted(1))
    ledger.read(status(1, "FAILED"), RerunEvent(at=AT, keys=["key-1"], generation=2))
    assert ledger.news() == []  # the rerun has no run yet
    ledger.read(submitted(1, generation=2), status(1, "FAILED"))
    assert ledger.news() == []  # the latest event is about the run before it
    ledger.read(status(1, "RUNNING", run_id="id-1-2"))
    assert ledger.news() == [("id-1-2", "tile-1-r2", "RUNNING", False)]


def test_only_runs_that_have_not_ended_are_followed_and_none_as_younger_than_it_may_be() -> None:
    created = timestamp(CREATED_S)
    ledger = Ledger(
        submitted(1), submitted(2), status(2, "COMPLETED"), submitted(3), status(3, "RUNNING", create_time=created)
    )
    by_id = {run.run_id: run for run in unfinished(ledger.state)}
    assert set(by_id) == {"id-1", "id-3"}
    assert by_id["id-1"].created_s == epoch_seconds(AT) - CREATED_BEFORE_S  # not known: no earlier than the batch
    assert by_id["id-3"].created_s == CREATED_S


def test_a_poller_expects_what_ended_runs_were_like() -> None:
    def times(waited_s: float, ran_s: float) -> dict[str, str]:
        started_s = CREATED_S + waited_s
        return {
            "create_time": timestamp(CREATED_S),
            "start_time": timestamp(started_s),
            "complete_time": timestamp(started_s + ran_s),
        }

    ledger = Ledger(
        *(submitted(1), status(1, "COMPLETED", **times(10, 50))),
        *(submitted(2), status(2, "FAILED", **times(10, 150))),
        *(submitted(3), status(3, "CANCELLED")),  # without times it teaches nothing
        *(submitted(4), status(4, "RUNNING", **times(1, 1))),
    )
    learning = poller()
    assert learn_from_ended(ledger.state, learning) == {"COMPLETED": 1, "FAILED": 1, "CANCELLED": 1}
    assert learning.durations.usual_s(None) == pytest.approx(100)
    assert learning.rhythm.usual_s == pytest.approx(110)  # from creation to end, as a place is taken


def test_what_another_process_recorded_is_a_change_like_any_other() -> None:
    event = status(1, "FAILED", code="EXEC", message="exit 1", kube_app_id="app")
    change = recorded_change(followed(1, runtime="tiny"), event, "RUNNING")
    assert (change.before, change.status, change.code, change.runtime) == ("RUNNING", "FAILED", "EXEC", "tiny")
    assert change.event(AT) == event
