"""Clocks that step or disagree: what exists is found all the same."""

from collections.abc import Callable
from email.utils import formatdate

import pytest

from tests.laws.command import Command, once, supported
from tests.laws.service import CREATED, HELD_BACK, LOST, Act, Post, Service, wait_until

STEPPING = """
import os, time
_real, _at = time.time, os.path.join(os.getcwd(), "stepped")
time.time = lambda: _real() - 3600 * os.path.exists(_at)
"""
"""A wall clock that is set back by an hour as soon as a file appears."""


def test_a_wall_clock_that_steps_back_in_mid_session_hides_no_run(command: Command, service: Service) -> None:
    """The responses after the step say how far the server is ahead of a clock that was right before."""
    command.preamble = STEPPING
    command.sweep(4)

    def act(post: Post) -> Act:
        (command.folder / "stepped").touch()
        return LOST if (post.name, post.nth) == ("tile-run-4", 1) else CREATED

    service.act = act
    ended = command.submit("--rate", "2")
    assert service.names() == once(4)
    assert ended.status == 0, ended.err


@pytest.mark.parametrize(
    "date",
    [
        lambda now: formatdate(now + 7200, usegmt=True),
        lambda now: formatdate(now - 7200, usegmt=True),
        lambda _: "Fri, 31 Dec 9999 23:59:59 GMT",
        lambda _: "Thu, 01 Jan 1970 00:00:00 GMT",
        lambda _: "yesterday",
        lambda _: None,
    ],
    ids=["ahead", "behind", "9999", "1970", "garbled", "none"],
)
def test_a_date_header_that_is_wrong_hides_no_run(
    command: Command, service: Service, date: Callable[[float], str | None]
) -> None:
    """Whoever writes the header, the runs carry the right time."""
    service.date = date
    service.act = lambda post: LOST if post.nth == 1 else CREATED
    command.sweep(3)
    ended = command.submit()
    assert service.names() == once(3)
    assert ended.status == 0, ended.err


@pytest.mark.parametrize("ahead_s", [-7200.0, 7200.0], ids=["behind", "ahead"])
def test_a_server_whose_clock_is_hours_off_hides_no_run(command: Command, service: Service, ahead_s: float) -> None:
    service.clock_ahead_s = ahead_s
    service.act = lambda post: LOST if post.nth == 1 else CREATED
    command.sweep(3)
    ended = command.submit()
    assert service.names() == once(3)
    assert ended.status == 0, ended.err


def test_a_clock_for_creation_times_that_is_behind_the_servers_hides_no_run(command: Command, service: Service) -> None:
    """Another machine writes ``createTime`` than the ``Date`` header: the runs that are answered show how far it is behind."""
    service.created_late_s = 40
    service.act = lambda post: LOST if post.nth == 1 and post.number > 2 else CREATED
    command.sweep(5)
    ended = command.submit("--concurrency", "1")
    assert service.names() == once(5)
    assert ended.status == 0, ended.err


def test_a_clock_for_creation_times_that_is_behind_hides_no_run_from_the_next_session(
    command: Command, service: Service
) -> None:
    """Only the ledger knows by how much: in the session that settles, no run is created."""
    service.created_late_s = 40
    service.act = lambda post: CREATED if post.number <= 2 else HELD_BACK
    command.sweep(4)
    command.submit_and_kill(4, recorded=2)
    ended = command.submit()
    assert service.names() == once(4)
    assert ended.status == 0, ended.err
    verified = command.run("verify", command.ledger.name, "--base-url", service.url)
    assert verified.status == 0, verified.text


def test_a_session_whose_clock_is_behind_takes_no_earlier_batch_for_its_own(command: Command, service: Service) -> None:
    """Runs of another batch, a minute older than this one, are older than what a clock of ten minutes ago makes of it."""
    service.clock_ahead_s = -60
    command.sweep(4)
    assert command.submit().status == 0
    service.clock_ahead_s = 0
    second = ("--ledger", "second.jsonl")
    command.submit_and_kill(5, "--rate", "2", *second, *supported("--again"))
    command.preamble = "import time\n_real = time.time\ntime.time = lambda: _real() - 600\n"
    command.submit_and_kill(6, "--rate", "2", *second)
    ended = command.submit(*second)  # the last attempt was made by the clock that is behind
    assert ended.status == 0, ended.err
    assert service.names() == {f"tile-run-{n}": 2 for n in range(1, 5)}


DAYS_AHEAD = "import time\n_real = time.time\ntime.time = lambda: _real() + 30 * 86400\n"


@pytest.mark.parametrize("lost", [1, 3], ids=["some", "all"])
def test_a_clock_that_is_days_ahead_makes_nothing_absent(command: Command, service: Service, lost: int) -> None:
    """Lists of what was created since then, which is a month from now, are empty."""
    command.preamble = DAYS_AHEAD
    command.sweep(3)
    service.act = lambda post: LOST if post.nth == 1 and post.number <= lost else CREATED
    process = command.start("submit", "sweep.toml", "--base-url", service.url, "--settle-after", "0.1s", "--yes")
    service.wait_for(3)
    before = service.lists
    wait_until(lambda: service.lists > before + 12)
    assert process.poll() is None
    assert service.names() == once(3)


def test_attempts_that_are_dated_days_ahead_are_not_taken_for_absent_later(command: Command, service: Service) -> None:
    command.preamble = DAYS_AHEAD
    command.sweep(3)
    service.act = lambda post: HELD_BACK if post.number > 1 else CREATED
    command.submit_and_kill(3, recorded=1)
    command.preamble = ""
    service.act = lambda _: CREATED
    process = command.start("submit", "sweep.toml", "--base-url", service.url, "--settle-after", "0.1s", "--yes")
    before = service.lists
    wait_until(lambda: service.lists > before + 12 or process.poll() is not None)
    assert service.names() == once(3)
