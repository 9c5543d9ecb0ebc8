"""What is said to hold a batch back, and which figures are shown with it."""

from dataclasses import replace
from typing import Any

import pytest

from batchrun.engine.pacing.pacer import FAILING, Pace
from batchrun.engine.sending.active_runs import HeldBy
from batchrun.engine.session.bottleneck import Load, bottleneck


def pace(**values: Any) -> Pace:
    return replace(Pace(limit_per_s=29.7, description="finding the limit"), **values)


def load(**values: Any) -> Load:
    return replace(Load(in_flight=3, concurrency=16), **values)


def test_the_rate_is_shown_while_it_is_what_holds_the_batch() -> None:
    assert bottleneck(pace(is_waited_for=True), load(in_flight=16)) == pace(is_waited_for=True)
    assert bottleneck(pace(), load()) == pace()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"active": 12, "held_by": HeldBy.QUOTA, "next_probe_s": 2.2}, "held at 12 active: quota, next attempt in 3 s"),
        ({"active": 12, "held_by": HeldBy.QUOTA, "next_probe_s": 0.0}, "held at 12 active: quota"),
        ({"active": 50, "held_by": HeldBy.MAX_ACTIVE}, "held at 50 active: max_active"),
        ({"active": 0, "held_by": HeldBy.QUOTA, "next_probe_s": 7.6}, "held at 0 active: quota, next attempt in 8 s"),
        ({"in_flight": 16}, "held at 16 in flight: concurrency"),
    ],
)
def test_what_holds_it_instead_is_named_without_a_rate(values: dict[str, Any], words: str) -> None:
    shown = bottleneck(pace(), load(**values))
    assert (shown.description, shown.limit_per_s) == (words, None)


def test_before_anything_is_sent_nothing_is_said_to_be_searched() -> None:
    shown = bottleneck(pace(), load(in_flight=0, has_begun=False))
    assert (shown.description, shown.limit_per_s) == ("checking the service", None)
    paused = bottleneck(pace(pause_s=3.0), load(in_flight=0, has_begun=False))
    assert (paused.description, paused.pause_s) == ("checking the service", 3.0)


def test_a_bound_on_what_is_in_flight_is_named() -> None:
    shown = bottleneck(pace(in_flight_limit=14, is_waited_for=True), load())
    assert shown.description == "held at 14 in flight: more would only increase latency"
    assert shown.limit_per_s is None


def test_a_pause_comes_before_everything_else() -> None:
    paused = pace(pause_s=12.0, pause_reason="requested by the service with Retry-After")
    assert bottleneck(paused, load(active=3, held_by=HeldBy.QUOTA)) == paused


def test_a_pause_because_of_failures_says_what_fails() -> None:
    failing = pace(pause_s=5.0, pause_reason=FAILING)
    shown = bottleneck(failing, load(last_failure="service not reachable: connection refused"))
    assert shown.pause_reason == "service not reachable: connection refused"
    assert bottleneck(failing, load()).pause_reason == FAILING
