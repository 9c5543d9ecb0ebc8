import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from batchrun.engine.pacing import limit_search
from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.rate_control import RatePolicy
from batchrun.engine.pacing.search_policy import DEFAULT_SEARCH, SearchPolicy
from batchrun.engine.pacing.search_values import Learned, SearchState, Ticket
from batchrun.wherobots.rate_headers import RateHint
from benchmarks.pacing.clients import SearchClient
from benchmarks.pacing.limiters import LIMITERS, Limiter, TokenBucket
from benchmarks.pacing.simulator import Result, simulate

LOW_CEILING = SearchPolicy(controller=RatePolicy(ceiling_per_s=50.0))
LONGEST_WAIT_S = DEFAULT_SEARCH.longest_pause_s + 60.0 + 1.0


def run(limiter: Limiter, *, search: LimitSearch | None = None, seconds: float = 300.0, **more: Any) -> Result:
    return simulate(SearchClient(search or LimitSearch()), limiter, seconds=seconds, **more)


def used_late(result: Result, rate_per_s: float, last_s: int = 60) -> float:
    """The share of the limit used in the last ``last_s`` seconds."""
    end = int(result.seconds)
    return sum(result.accepted_a_second[end - last_s : end]) / (rate_per_s * last_s)


def test_nothing_is_learned_until_a_limit_was_met() -> None:
    assert LimitSearch().learned() is None


def refuse_in_a_row(search: LimitSearch, count: int, now: float) -> float:
    for _ in range(count):
        now = search.next_start(now)
        search.refused(now + 0.05, search.sent(now))
        now += 0.06
    return now


def test_while_everything_is_refused_it_only_probes_at_growing_intervals() -> None:
    search = LimitSearch()
    now = refuse_in_a_row(search, 3, 0.0)
    assert search.snapshot(now).state is SearchState.CLOSED
    end = refuse_in_a_row(search, 20, now)
    assert end - now > 30.0


def test_the_first_accepted_probe_ends_the_probing() -> None:
    search = LimitSearch()
    now = search.next_start(refuse_in_a_row(search, 5, 0.0))
    search.accepted(now + 0.1, search.sent(now))
    assert search.snapshot(now).state is not SearchState.CLOSED


def test_a_response_to_an_older_attempt_does_not_reopen_the_window() -> None:
    search = LimitSearch()
    old = search.sent(0.0)
    now = refuse_in_a_row(search, 4, 0.1)
    search.accepted(now, old)
    assert search.snapshot(now).state is SearchState.CLOSED


def test_refusals_between_successes_do_not_close_the_window() -> None:
    search = LimitSearch()
    tickets = [search.sent(n / 10) for n in range(12)]
    for ticket in tickets[::2]:
        search.refused(1.5, ticket)
    assert search.snapshot(1.5).state is not SearchState.CLOSED


def test_nothing_starts_during_a_pause_and_attempts_after_it_are_spaced() -> None:
    search = LimitSearch(learned=Learned(rate_per_s=10.0))
    search.refused(1.0, search.sent(0.9), retry_after_s=5.2)
    assert search.snapshot(1.0).paused_until == pytest.approx(6.2)
    first = search.next_start(1.0)
    search.sent(first)
    assert first == pytest.approx(6.2)
    assert search.next_start(first) > first + 0.05


def test_a_shorter_retry_after_does_not_end_a_longer_pause() -> None:
    search = LimitSearch()
    first, second = search.sent(0.0), search.sent(0.1)
    search.refused(1.0, first, retry_after_s=30.0)
    search.refused(1.1, second, retry_after_s=1.0)
    assert search.next_start(1.1) == pytest.approx(31.0)


def test_refusals_of_what_was_sent_before_a_cut_do_not_cut_again() -> None:
    search = LimitSearch(learned=Learned(rate_per_s=100.0))
    tickets = [search.sent(n / 100) for n in range(10)]
    search.refused(0.2, tickets[0])
    rate = search.rate_per_s
    search.refused(0.21, tickets[4])
    assert search.rate_per_s == rate


def test_a_batch_that_does_not_use_its_rate_does_not_raise_it() -> None:
    search = LimitSearch()
    for second in range(1, 60):
        search.accepted(10.0 * second + 0.1, search.sent(10.0 * second))
    assert search.rate_per_s == DEFAULT_SEARCH.start.start_per_s


def test_a_start_does_not_wait_for_the_first_response() -> None:
    search, tickets = LimitSearch(), list[Ticket]()
    for _ in range(4):
        now = search.next_start(tickets[-1].sent_at if tickets else 0.0)
        tickets.append(search.sent(now))
    assert [ticket.sent_at for ticket in tickets] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert search.next_start(0.3) == pytest.approx(0.4)
    search.accepted(3.0, tickets[0], latency_s=3.0)
    assert search.next_start(3.0) == 3.0


def test_what_is_in_flight_is_bounded_until_something_is_refused() -> None:
    search, now = LimitSearch(), 0.0
    for _ in range(8):
        now = search.next_start(now)
        search.accepted(now + 0.1, search.sent(now), latency_s=0.1)
    tickets = list[Ticket]()
    while (start := search.next_start(now)) < math.inf:
        tickets.append(search.sent(start))
        now = start
    assert 4 <= len(tickets) < 20
    search.ended(tickets[0])
    assert search.next_start(now) < math.inf
    search.sent(now)
    search.refused(now + 0.1, tickets[1])
    assert search.most_in_flight == math.inf


def test_what_a_quota_refuses_is_no_reason_to_go_faster_but_opens_a_window() -> None:
    search = LimitSearch()
    for number in range(30):
        now = search.next_start(number / 10)
        search.accepted(now + 0.05, search.sent(now), proves_rate=False)
    assert search.rate_per_s == DEFAULT_SEARCH.start.start_per_s
    now = search.next_start(refuse_in_a_row(search, 5, 10.0))
    search.accepted(now + 0.1, search.sent(now), proves_rate=False)
    assert search.snapshot(now).state is not SearchState.CLOSED


def test_an_exhausted_window_is_waited_for() -> None:
    search = LimitSearch()
    search.announced(5.0, RateHint(limit=100, window_s=60, remaining=0, reset_s=30.0))
    assert search.next_start(5.0) == pytest.approx(35.0)


def test_an_exhausted_window_of_a_second_is_not_waited_for() -> None:
    search = LimitSearch()
    search.announced(5.0, RateHint(limit=10, window_s=1, remaining=0, reset_s=1.0))
    assert search.next_start(5.0) == pytest.approx(5.0)


STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 100.0),  # how late the caller is
        st.floats(0.0, 10.0),  # how long the response takes
        st.sampled_from(["accepted", "refused", "retry_after", "lost"]),
        st.one_of(st.floats(0.0, 1e4), st.just(0.0)),
    ),
    max_size=120,
)


def live_through(search: LimitSearch, steps: list[tuple[float, float, str, float]]) -> float:
    """Play any history: attempts on time or late, answered in order, late, or never. Returns the time at its end."""
    now, waiting = 0.0, list[tuple[float, Ticket, str, float]]()
    for late_s, answer_s, kind, retry_after_s in steps:
        while search.next_start(now) == math.inf:
            waiting.sort()
            now = max(now, waiting[0][0])
            answer(search, now, *waiting.pop(0)[1:])
        now = search.next_start(now) + late_s
        waiting.append((now + answer_s, search.sent(now), kind, retry_after_s))
        for item in [item for item in waiting if item[0] <= now]:
            waiting.remove(item)
            answer(search, *item)
    for item in sorted(waiting):
        answer(search, *item)
    return max([now, *(item[0] for item in waiting)])


def answer(search: LimitSearch, now: float, ticket: Ticket, kind: str, retry_after_s: float) -> None:
    if kind == "accepted":
        search.accepted(now, ticket, latency_s=now - ticket.sent_at)
    elif kind == "lost":
        search.ended(ticket)
    else:
        search.refused(now, ticket, retry_after_s if kind == "retry_after" else None)


@given(STEPS)
def test_no_history_stops_it_forever_or_takes_it_out_of_bounds(
    steps: list[tuple[float, float, str, float]],
) -> None:
    search = LimitSearch(LOW_CEILING)
    now = live_through(search, steps)
    policy = LOW_CEILING.controller
    assert policy.floor_per_s <= search.rate_per_s <= policy.ceiling_per_s
    assert now <= search.next_start(now) <= now + LONGEST_WAIT_S
    assert math.isfinite(search.snapshot(now).rate_per_s)


@settings(max_examples=8, deadline=None)
@given(STEPS, st.sampled_from([2.0, 10.0, 30.0]), st.booleans())
def test_it_recovers_from_any_history(steps: list[tuple[float, float, str, float]], rate: float, tells: bool) -> None:
    search = LimitSearch(replace(LOW_CEILING, longest_pause_s=60.0))
    begin = live_through(search, steps)
    client = SearchClient(search, offset_s=begin)
    result = simulate(client, TokenBucket(rate, rate), seconds=1200.0, sends_retry_after=tells)
    assert used_late(result, rate, last_s=300) > 0.75


@given(st.lists(st.floats(0.0, 0.2), min_size=50, max_size=200))
def test_starts_are_never_closer_than_the_ceiling_except_to_catch_up(lateness: list[float]) -> None:
    search = LimitSearch(SearchPolicy(controller=RatePolicy(ceiling_per_s=20.0)), learned=Learned(rate_per_s=20.0))
    now, starts = 0.0, list[float]()
    for late_s in lateness:
        now = search.next_start(now) + late_s
        search.ended(search.sent(now))
        starts.append(now)
    for first, last, count in zip(starts, starts[20:], [20] * len(starts), strict=False):
        assert count <= (last - first + DEFAULT_SEARCH.catch_up_s) * 20.0 + 1.0


def test_it_shows_its_state() -> None:
    assert repr(LimitSearch()) == "<LimitSearch finding the limit, 10/s>"


def test_the_state_follows_what_the_search_is_doing() -> None:
    search = LimitSearch()
    assert search.snapshot(0.0).state is SearchState.STARTING
    first, *tickets = [search.sent(n / 10) for n in range(4)]
    search.refused(0.3, first)
    assert search.snapshot(0.3).state is SearchState.SEARCHING
    for ticket in tickets:
        search.refused(0.5, ticket)
    assert search.snapshot(0.5).state is SearchState.CLOSED


def test_the_first_refusal_halves_the_rate() -> None:
    search = LimitSearch()
    search.refused(0.1, search.sent(0.0))
    assert search.rate_per_s == pytest.approx(0.99 * DEFAULT_SEARCH.start.start_per_s / 2.0)
    assert search.snapshot(0.1).limit_per_s == DEFAULT_SEARCH.start.start_per_s


def test_a_first_refusal_that_asks_for_a_pause_leaves_two_fifths() -> None:
    search = LimitSearch()
    search.refused(0.1, search.sent(0.0), retry_after_s=30.0)
    assert search.rate_per_s == pytest.approx(DEFAULT_SEARCH.start.start_per_s * 0.4)


def test_a_pause_that_was_asked_for_shows_no_window() -> None:
    search, limiter = LimitSearch(), TokenBucket(20.0, 8.0)
    limiter_that_asks_for = _Asking(limiter, 30.0)
    run(limiter_that_asks_for, search=search, seconds=45.0, sends_retry_after=True)
    assert search.snapshot(45.0).window_s is None
    assert search.rate_per_s > 5.0


def test_a_retry_after_is_honored_for_an_hour_at_most() -> None:
    search = LimitSearch()
    search.refused(1.0, search.sent(0.9), retry_after_s=86_400.0)
    assert search.next_start(1.0) == pytest.approx(3601.0)


def test_refusals_of_what_was_sent_within_300_ms_after_a_cut_do_not_cut_again() -> None:
    search = LimitSearch(learned=Learned(rate_per_s=100.0))
    first, echo, later = search.sent(0.0), search.sent(0.35), search.sent(0.41)
    search.refused(0.1, first)
    rate = search.rate_per_s
    search.refused(0.4, echo)
    assert search.rate_per_s == rate
    search.refused(0.5, later)
    assert search.rate_per_s < rate


def test_a_start_that_is_a_little_late_keeps_its_place() -> None:
    search = LimitSearch(learned=Learned(rate_per_s=10.0 / 0.98))
    search.sent(0.0)
    search.sent(0.115)  # due at 0.1
    assert search.next_start(0.115) == pytest.approx(0.2)
    search.sent(0.25)  # due at 0.2: too late to be a timer's fault, and a limiter without a burst has room for one
    assert search.next_start(0.25) == pytest.approx(0.35)


@given(STEPS)
def test_nothing_starts_in_the_past_or_during_a_pause(steps: list[tuple[float, float, str, float]]) -> None:
    search, now = LimitSearch(LOW_CEILING), 0.0
    for late_s, answer_s, kind, retry_after_s in steps:
        now += late_s
        start = search.next_start(now)
        assert start >= max(now, search.snapshot(now).paused_until or 0.0)
        now = start + answer_s
        answer(search, now, search.sent(start), kind, retry_after_s)


@given(STEPS)
def test_a_refusal_never_raises_the_rate(steps: list[tuple[float, float, str, float]]) -> None:
    search, now = LimitSearch(LOW_CEILING), 0.0
    for late_s, answer_s, kind, retry_after_s in steps:
        start = search.next_start(now + late_s)
        ticket, before = search.sent(start), search.rate_per_s
        now = start + answer_s
        answer(search, now, ticket, kind, retry_after_s)
        if kind in {"refused", "retry_after"}:
            assert search.rate_per_s <= before


README = Path(limit_search.__file__).with_name("README.md")
TRANSITIONS = {
    (SearchState[before], SearchState[after])
    for before, after in re.findall(r"^ +([A-Z]+) --> ([A-Z]+):", README.read_text("utf-8"), re.MULTILINE)
}
"""The diagram in the README of the package. A limit announced in headers may also widen the gap while probing."""


class _Asking(Limiter):
    """A limiter whose refusals all ask for the same pause."""

    def __init__(self, limiter: Limiter, seconds: float) -> None:
        self._limiter = limiter
        self._seconds = seconds

    @override
    def admit(self, now: float) -> float | None:
        return None if self._limiter.admit(now) is None else self._seconds

    @override
    def set_rate(self, rate_per_s: float) -> None:
        self._limiter.set_rate(rate_per_s)


class Observed(SearchClient):
    """Notes each change of state."""

    def __init__(self, search: LimitSearch) -> None:
        super().__init__(search)
        self.transitions = set[tuple[SearchState, SearchState]]()

    @override
    def accepted(self, now: float, sent_at: float, tag: object) -> None:
        before = self.search.snapshot(now).state
        super().accepted(now, sent_at, tag)
        self.transitions.add((before, self.search.snapshot(now).state))

    @override
    def refused(self, now: float, sent_at: float, tag: object, retry_after_s: float | None) -> None:
        assert isinstance(tag, Ticket)
        before = self.search.snapshot(now).state
        super().refused(now, sent_at, tag, retry_after_s)
        self.transitions.add((before, self.search.snapshot(now).state))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(list(LIMITERS)), st.floats(0.5, 60.0), st.booleans(), st.integers(0, 99))
def test_the_search_changes_its_state_as_the_diagram_shows(name: str, rate: float, sends: bool, seed: int) -> None:
    client = Observed(LimitSearch())
    simulate(client, LIMITERS[name](rate, 0.4), seconds=120.0, seed=seed, sends_retry_after=sends)
    changes = {(before, after) for before, after in client.transitions if before is not after}
    assert changes <= TRANSITIONS


def test_the_diagram_is_read() -> None:
    assert {state for pair in TRANSITIONS for state in pair} == set(SearchState)


def test_where_the_limit_is_not_found_yet_the_next_session_continues_the_search() -> None:
    search = LimitSearch()
    search.refused(0.1, search.sent(0.0), retry_after_s=1.0)
    learned = search.learned()
    assert learned is not None
    assert learned.refused_per_s == pytest.approx(10.0)
    successor = LimitSearch(learned=learned)
    now = 0.0
    for _ in range(200):
        now = successor.next_start(now)
        successor.accepted(now + 0.05, successor.sent(now))
    assert successor.rate_per_s > 2.0 * learned.rate_per_s
    assert LimitSearch(learned=Learned(rate_per_s=10.0)).learned() == Learned(rate_per_s=9.8)
