"""Requests that are answered with an error and commit afterwards: found by the last look, or reported."""

import threading

import pytest

from tests.laws.command import Command, once
from tests.laws.service import CREATED, ERROR, LOST, Act, Post, Service, late, refusal


def test_a_run_that_appears_while_it_waits_for_its_turn_is_not_sent_again(command: Command, service: Service) -> None:
    """Absence was concluded, and then the rate held the run back: long enough for the first attempt to commit."""
    command.sweep(2)

    def act(post: Post) -> Act:
        if post.name == "tile-run-1" and post.nth == 1:
            return late(lambda: service.posts["tile-run-2"] > 0)
        return CREATED

    service.act = act
    ended = command.submit("--rate", "0.4", "--concurrency", "1")
    assert service.names() == once(2)
    assert ended.status == 0, ended.err


@pytest.fixture
def late_twice(command: Command, service: Service) -> Command:
    """The first attempt of the only run commits after the second was answered."""
    command.sweep(1)
    service.act = lambda post: late(lambda: service.posts["tile-run-1"] > 1) if post.nth == 1 else CREATED
    return command


def test_a_duplicate_that_no_client_can_prevent_is_reported(late_twice: Command, service: Service) -> None:
    ended = late_twice.submit()
    assert service.names() == {"tile-run-1": 2}
    assert "the service holds 2 runs with this name" in ended.text
    assert "run-0000" in ended.text
    checked = late_twice.run("ledger", "check", late_twice.ledger.name)
    assert (checked.status, "the service holds 2 runs" in checked.text) == (4, True)
    assert "duplicates: 1 run" in late_twice.run("status", late_twice.ledger.name).text


def test_a_duplicate_whose_payload_comes_back_changed_is_reported(late_twice: Command, service: Service) -> None:
    service.shown = lambda payload: payload | {"runtime": "normalised"}
    ended = late_twice.submit()
    assert service.names() == {"tile-run-1": 2}
    assert "the service holds 2 runs with this name" in ended.text
    assert late_twice.run("ledger", "check", late_twice.ledger.name).status == 4


def test_a_session_that_was_killed_before_its_last_look_leaves_it_to_the_next(
    late_twice: Command, service: Service
) -> None:
    late_twice.submit_and_kill(2, "--settle-after", "1s")
    ended = late_twice.submit()
    assert service.names() == {"tile-run-1": 2}
    assert "the service holds 2 runs with this name" in ended.text


def test_a_duplicate_is_reported_also_if_both_responses_were_lost(command: Command, service: Service) -> None:
    """The second run is found by listing; the first attempt commits only after that."""
    command.sweep(1)
    service.act = lambda post: late(lambda: '"via":"settled"' in command.ledger.read_text()) if post.nth == 1 else LOST
    ended = command.submit()
    assert service.names() == {"tile-run-1": 2}
    assert "the service holds 2 runs with this name" in ended.text
    assert command.run("ledger", "check", command.ledger.name).status == 4


def test_a_duplicate_on_a_list_that_is_cut_short_does_not_end_the_search(late_twice: Command, service: Service) -> None:
    """What is shown is recorded, and a third run that only a whole list shows is reported by a later session."""
    service.page = lambda page: page | {"total": page["total"] + 2 * (len(service.runs) > 1)}
    ended = late_twice.submit()
    assert "the service holds 2 runs with this name" in ended.text
    first = service.runs[0]
    service.commit(first.region, first.payload, "any")
    service.page = lambda page: page
    assert "the service holds 2 runs with this name" in late_twice.submit().text
    ledger = late_twice.ledger.read_text()
    assert ledger.count('"event":"duplicates"') == 2
    assert "run-00003" in ledger


@pytest.mark.parametrize(
    ("second", "flag"), [(ERROR, "failed"), (refusal(422), "rejected")], ids=["failed", "rejected"]
)
def test_runs_that_failed_or_were_rejected_are_looked_for_before_they_are_sent_again(
    command: Command, service: Service, second: Act, flag: str
) -> None:
    """What is believed absent may still commit: through `failed`, through `rejected`, and into the next session."""
    command.sweep(1)
    is_time = threading.Event()
    service.act = lambda post: late(is_time.is_set) if post.nth == 1 else second
    attempts = "1" if flag == "failed" else "8"
    assert command.submit("--max-attempts", attempts).status == 1
    is_time.set()
    service.wait_for(1)
    service.act = lambda _: CREATED
    ended = command.submit("--retry", flag)
    assert service.names() == once(1)
    assert ended.status == 0, ended.err


def test_a_conflict_may_be_with_a_run_that_the_attempt_itself_created(command: Command, service: Service) -> None:
    """Something on the way sent the request twice: the second one was refused, and only that response arrived."""
    conflict = Act(status=409)
    service.act = lambda post: conflict if post.nth == 1 else CREATED
    command.sweep(3)
    ended = command.submit()
    assert service.names() == once(3)
    assert ended.status == 0, ended.err
    assert command.run("ledger", "check", command.ledger.name).status == 0


def test_a_conflict_is_remembered_by_the_next_session(command: Command, service: Service) -> None:
    service.act = lambda _: Act(status=409)
    command.sweep(2)
    command.submit("--max-attempts", "1")
    assert service.names() == once(2)
    service.act = lambda _: CREATED
    ended = command.submit("--retry", "failed")
    assert service.names() == once(2)
    assert ended.status == 0, ended.err


def test_a_setting_that_ended_in_conflicts_may_be_changed(command: Command, service: Service) -> None:
    """Nothing was created: the changed runs are not run again."""
    service.act = lambda _: refusal(409)
    command.sweep(2)
    command.submit("--max-attempts", "1")
    service.act = lambda _: CREATED
    command.sweep(2, runtime="small")
    ended = command.submit("--extend")
    assert service.names() == once(2)
    assert ended.status == 0, ended.err


def test_runs_that_left_the_plan_and_came_back_are_looked_for_before_they_are_sent(
    command: Command, service: Service
) -> None:
    command.sweep(2)
    is_time = threading.Event()
    service.act = lambda post: late(is_time.is_set) if post.name == "tile-run-2" else CREATED
    assert command.submit("--max-attempts", "1").status == 1
    command.sweep(1)
    assert command.submit("--extend").status == 0
    is_time.set()
    service.wait_for(2)
    service.act = lambda _: CREATED
    command.sweep(2)
    ended = command.submit("--extend", "--retry", "failed")
    assert service.names() == once(2)
    assert ended.status == 0, ended.err


def test_a_503_that_says_when_to_come_back_may_have_created_the_run(command: Command, service: Service) -> None:
    busy = Act(status=503, headers={"Retry-After": "1"})
    service.act = lambda post: busy if post.nth == 1 else CREATED
    command.sweep(3)
    ended = command.submit()
    assert service.names() == once(3)
    assert ended.status == 0, ended.err
