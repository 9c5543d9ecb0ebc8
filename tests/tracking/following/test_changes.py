"""What is new about a followed run, and why it ended badly."""

from typing import Any

import pytest

from batchrun.ledger.statuses import GONE
from batchrun.tracking.changes import Change, Followed, change_of, gone_change, new_run, runtime_of
from batchrun.wherobots.summaries import AppEvent, AppSummary, RunSummary

AT = "2026-11-01T00:00:00Z"


def followed(status: str | None = "RUNNING") -> Followed:
    return new_run("key", "tile", "r1", status)


def change(status: str | None, app: AppSummary | None = None, **times: Any) -> Change | None:
    seen = RunSummary(id="r1", status=status, **times)
    return change_of(followed(), seen, lambda _: app)


def reason(status: str, *events: tuple[str | None, str | None, str | None], message: str | None = None) -> object:
    """The code and the message; events are times of creation, codes and messages."""
    made = [AppEvent(create_time=at, code=code, message=text) for at, code, text in events]
    found = change(status, AppSummary(id="app-1", message=message, events=made))
    assert found is not None
    return found.code, found.message


@pytest.mark.parametrize("status", [None, "RUNNING"])
def test_without_another_status_nothing_is_new(status: str | None) -> None:
    assert change(status) is None


def test_a_change_has_both_statuses_and_the_services_own_times() -> None:
    found = change(
        "COMPLETED", create_time=AT, start_time="2026-11-01T00:01:00Z", complete_time="2026-11-01T02:00:00+01:00"
    )
    assert found is not None
    assert (found.before, found.status, found.is_final) == ("RUNNING", "COMPLETED", True)
    assert (found.lasted_s, found.ran_s) == (3600, 3540)
    assert found.event(AT).complete_time == "2026-11-01T02:00:00+01:00"


@pytest.mark.parametrize("times", [{}, {"create_time": AT}, {"create_time": "soon", "complete_time": AT}])
def test_how_long_it_lasted_is_unknown_without_both_times(times: dict[str, str]) -> None:
    found = change("COMPLETED", None, **times)
    assert found is not None
    assert found.lasted_s is None


def test_clocks_that_disagree_make_no_negative_time() -> None:
    found = change("COMPLETED", create_time="2026-11-01T00:00:01Z", complete_time=AT)
    assert found is not None
    assert found.lasted_s == 0


def test_the_latest_event_of_a_failure_explains_it_in_whatever_order_they_come() -> None:
    late, early = ("2026-11-02", "RUN_FAIL_EXEC", "exit 1"), ("2026-11-01", "NODE_ERROR", "node lost")
    assert reason("FAILED", late, early) == reason("FAILED", early, late) == ("RUN_FAIL_EXEC", "exit 1")
    assert reason("FAILED", early, ("2026-11-03", "APP_DESTROYED", "done")) == ("NODE_ERROR", "node lost")
    assert reason("FAILED", (None, "run_timed_out", "too long")) == ("run_timed_out", "too long")


def test_without_a_message_of_its_own_the_applications_is_taken() -> None:
    assert reason("FAILED", ("2026-11-01", "RUN_FAIL_EXEC", None), message="stopped") == ("RUN_FAIL_EXEC", "stopped")
    assert reason("FAILED", ("2026-11-01", None, "hello"), message="stopped") == (None, "stopped")
    assert reason("FAILED", message="") == (None, None)


@pytest.mark.parametrize("status", ["COMPLETED", "PENDING", "HIBERNATING"])
def test_what_a_run_recovered_from_is_no_reason(status: str) -> None:
    assert reason(status, ("2026-11-01", "RUN_FAIL_EXEC", "exit 1")) == (None, None)


def test_a_run_that_the_service_no_longer_knows_is_over() -> None:
    found = gone_change(followed("PENDING"))
    assert (found.before, found.status, found.is_final, found.lasted_s) == ("PENDING", GONE, True, None)


def test_a_change_is_shown_with_all_its_fields() -> None:
    assert {"key": "key", "name": "tile", "status": GONE, "before": None}.items() <= gone_change(
        followed(None)
    ).json().items()


@pytest.mark.parametrize(
    ("payload", "runtime"), [({"runtime": "tiny"}, "tiny"), ({"runtime": 3}, None), ({}, None), (None, None)]
)
def test_the_runtime_is_read_from_the_payload_if_it_is_there(
    payload: dict[str, object] | None, runtime: str | None
) -> None:
    assert runtime_of(RunSummary(id="r1", payload=payload)) == runtime
