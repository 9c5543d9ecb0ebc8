"""What a look says about the followed runs, and what is looked at next."""

import pytest

from batchrun.tracking.changes import Change
from batchrun.tracking.poller import GONE_AGAIN_S, RECHECK_S, Poller
from batchrun.wherobots.summaries import AppEvent, AppSummary, RunSummary
from tests.tracking.following.runs import CREATED_S, app_of, followed, poller, seen


def test_a_status_that_did_not_change_is_no_change() -> None:
    made = poller(1)
    assert made.saw(seen(1, "PENDING"), 1.0) is None
    assert made.saw(seen(1, None), 1.0) is None
    assert made.saw(seen(2, "RUNNING"), 1.0) is None, "another batch's run"


def test_a_change_says_what_the_service_says() -> None:
    made = poller(1)
    change = made.saw(seen(1, "FAILED", ran_s=30, runtime="tiny"), 1.0)
    assert change is not None
    assert (change.status, change.before, change.is_final) == ("FAILED", "PENDING", True)
    assert (change.code, change.message, change.kube_app_id) == ("RUN_FAIL_EXEC", "exit 1", "app-id-1")
    assert (change.lasted_s, change.ran_s, change.runtime) == (40.0, 30.0, "tiny")
    assert made.active == {}
    assert change.event("now").status == "FAILED"
    assert change.json()["name"] == "tile-1"


def test_a_run_that_completed_has_no_reason() -> None:
    change = poller(1).saw(seen(1, "COMPLETED", ran_s=30), 1.0)
    assert change is not None
    assert (change.code, change.message) == (None, None)


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        (None, (None, None)),
        (AppSummary(message="trace"), (None, "trace")),
        (AppSummary(events=[AppEvent(code="RUN_FAIL_EXEC")], message="trace"), ("RUN_FAIL_EXEC", "trace")),
        (
            AppSummary(
                events=[
                    AppEvent(code="RUN_FAIL_EXEC", message="second", create_time="2026-01-02T00:00:00Z"),
                    AppEvent(code="APP_FAIL_DEPLOY", message="first", create_time="2026-01-01T00:00:00Z"),
                    AppEvent(code="APP_DESTROYED", message="last", create_time="2026-01-03T00:00:00Z"),
                ]
            ),
            ("RUN_FAIL_EXEC", "second"),
        ),
    ],
)
def test_the_latest_failure_explains_the_run(app: AppSummary | None, reason: tuple[str | None, ...]) -> None:
    def found(_: RunSummary) -> AppSummary | None:
        return app

    made = Poller(0.0, found)
    made.add(followed(1), 0.0)
    change = made.saw(seen(1, "TIMED_OUT", ran_s=1), 1.0)
    assert change is not None
    assert (change.code, change.message) == reason


def test_a_run_may_go_back_to_pending_and_an_unknown_status_is_not_final() -> None:
    made = poller(1)
    statuses = [made.saw(seen(1, status), 1.0) for status in ("RUNNING", "PENDING", "QUEUED_AGAIN", "RUNNING")]
    assert [change.status for change in statuses if change is not None] == [
        "RUNNING", "PENDING", "QUEUED_AGAIN", "RUNNING",
    ]  # fmt: skip
    assert list(made.active) == ["id-1"]
    assert list(made.listed_statuses) == ["PENDING", "RUNNING", "QUEUED_AGAIN"]
    made.lists_odd = False
    assert list(made.listed_statuses) == ["PENDING", "RUNNING"]


def test_absence_from_a_list_is_no_end_but_a_reason_to_look_it_up() -> None:
    made = poller(1, 2)
    made.begin()
    made.saw(seen(1, "RUNNING"), 20.0)
    plan = made.look_ups(20.0)
    assert [run.run_id for run in (*plan.listed, *plan.by_id)] == ["id-2"]
    assert len(made.active) == 2


def test_a_new_run_may_not_be_in_lists_yet() -> None:
    made = poller(1, now_s=100.0)
    made.begin()
    assert made.look_ups(101.0).by_id == ()
    assert len(made.look_ups(105.0).by_id) == 1


def test_a_run_that_was_created_long_ago_is_looked_up_at_once() -> None:
    made = Poller(100.0, app_of)
    made.add(followed(1), 100.0, is_new=False)
    made.begin()
    assert len(made.look_ups(100.0).by_id) == 1


def test_runs_added_during_a_look_are_none_of_its_business() -> None:
    made = poller(1)
    made.begin()
    made.add(followed(2), 0.0)
    assert made.unseen == 1
    assert {run.run_id for run in made.look_ups(99.0).by_id} == {"id-1"}


def test_a_run_that_lists_hide_is_asked_for_again_after_a_while() -> None:
    made = poller(1)
    made.begin()
    made.found(seen(1, "RUNNING"), 10.0)
    made.begin()
    assert made.look_ups(10.0 + RECHECK_S - 1).by_id == ()
    assert len(made.look_ups(10.0 + RECHECK_S).by_id) == 1


def test_a_bound_on_look_ups_takes_the_longest_overdue() -> None:
    made = poller(*range(10))
    for run in made.active.values():
        run.due_s = float(run.run_id.removeprefix("id-"))
    made.begin()
    plan = made.look_ups(100.0, most=2)
    assert {run.run_id for run in (*plan.listed, *plan.by_id)} == {"id-0", "id-1"}


def proven(*numbers: int) -> Poller:
    """A poller whose key is known to be the right one."""
    made = poller(*numbers)
    made.is_key_proven = True
    return made


def missed(made: Poller, listed: list[RunSummary] | None, now_s: float) -> Change | None:
    return made.missed(made.active["id-1"], listed, now_s)


def test_a_run_is_gone_when_the_service_says_so_twice_and_no_list_shows_it() -> None:
    made = proven(1)
    assert missed(made, [], 10.0) is None
    assert missed(made, [], 10.0 + GONE_AGAIN_S / 2) is None
    change = missed(made, [], 10.0 + GONE_AGAIN_S)
    assert change is not None
    assert (change.status, change.is_final) == ("gone", True)
    assert made.active == {}


def test_with_a_key_that_may_be_another_organizations_no_run_is_gone() -> None:
    made = poller(1, 2)
    for number in range(20):
        assert missed(made, [], 100.0 * number) is None
    made.saw(seen(2, "PENDING"), 2_000.0)
    assert missed(made, [], 2_100.0) is not None, "a list showed another run of the batch"


def test_a_run_that_a_list_shows_is_not_gone() -> None:
    made = proven(1)
    for number in range(20):
        assert missed(made, [seen(1, "RUNNING")], 100.0 * number) is None


def test_a_run_that_answers_again_is_not_gone() -> None:
    made = poller(1)
    missed(made, [], 10.0)
    made.found(seen(1, "RUNNING"), 11.0)
    assert missed(made, [], 100.0) is None


def test_where_no_list_can_confirm_it_some_other_id_must_have_been_found() -> None:
    made = poller(1, 2)
    for number in range(20):
        assert missed(made, None, 100.0 * number) is None
    made.found(seen(2, "RUNNING"), 2_000.0)
    assert missed(made, None, 2_100.0) is not None


def test_names_have_a_common_prefix_and_the_oldest_run_bounds_the_list() -> None:
    made = poller(12, 15)
    assert made.name_prefix == "tile-1"
    assert made.created_after_s == CREATED_S + 11
    made.add(followed(20, name="other"), 0.0)
    assert made.name_prefix == ""
    undated = followed(30)
    undated.created_s = None
    made.add(undated, 0.0)
    assert made.created_after_s is None
    assert Poller(0.0, app_of).name_prefix == ""


def test_ended_runs_teach_the_poller_what_to_expect() -> None:
    made = poller(1)
    made.add_ended([CREATED_S], 300.0)
    assert made.rhythm.wait_s(0.0) == 15.0
    made.saw(seen(1, "COMPLETED", ran_s=90, runtime="tiny"), 5.0)
    assert made.durations.usual_s("tiny") == 90.0
    assert made.active == {}


def test_what_others_recorded_is_taken_over() -> None:
    made = poller(1, 2)
    made.recorded(made.active["id-1"], "RUNNING")
    made.recorded(made.active["id-2"], "FAILED")
    assert list(made.active) == ["id-1"]
    assert +made.statuses == {"RUNNING": 1, "FAILED": 1}
