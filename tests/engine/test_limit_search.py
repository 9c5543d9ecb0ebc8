import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from batchrun.engine.pacing.limit_search import DEFAULT_SEARCH, Learned, LimitSearch, SearchPolicy, SearchState, Ticket
from batchrun.engine.pacing.rate_control import RatePolicy
from batchrun.wherobots.rate_headers import RateHint
from benchmarks.pacing.clients import SearchClient
from benchmarks.pacing.limiters import LIMITERS, FixedWindow, Limiter, SlidingWindow, TokenBucket
from benchmarks.pacing.simulator import Change, Network, Result, simulate

LOW_CEILING = SearchPolicy(controller=RatePolicy(ceiling_per_s=50.0))
LONGEST_WAIT_S = DEFAULT_SEARCH.longest_pause_s + 60.0 + 1.0


def run(limiter: Limiter, *, search: LimitSearch | None = None, seconds: float = 300.0, **more: object) -> Result:
    return simulate(SearchClient(search or LimitSearch()), limiter, seconds=seconds, **more)  # type: ignore[arg-type]


def used_late(result: Result, rate_per_s: float, last_s: int = 60) -> float:
    """The share of the limit used in the last ``last_s`` seconds."""
    end = int(result.seconds)
    return sum(result.accepted_a_second[end - last_s : end]) / (rate_per_s * last_s)


def test_it_starts_slowly_and_doubles_every_second_while_nothing_is_refused() -> None:
    result = run(TokenBucket(10_000.0, 10_000.0), seconds=8.0)
    first, sixth = result.accepted_a_second[0], result.accepted_a_second[5]
    assert first <= 3
    assert 12 * first <= sixth <= 50 * first


@pytest.mark.parametrize("rate_per_s", [5.0, 60.0, 200.0])
def test_a_bucket_with_a_burst_is_used_almost_fully_with_few_refusals(rate_per_s: float) -> None:
    result = run(TokenBucket(rate_per_s, rate_per_s), seconds=600.0)
    assert result.share_used(rate_per_s) > 0.97
    assert result.share_refused < 0.012


@pytest.mark.parametrize("tells", [False, True], ids=["silent", "retry_after"])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: FixedWindow(40.0, 1.0, 0.3), id="window of 1 s"),
        pytest.param(lambda: FixedWindow(40.0, 60.0, 21.0), id="window of 60 s"),
        pytest.param(lambda: SlidingWindow(40.0, 60.0), id="sliding 60 s, charges"),
    ],
)
def test_windows_are_recognised(make: Callable[[], Limiter], tells: bool) -> None:
    result = run(make(), seconds=600.0, sends_retry_after=tells)
    assert result.share_used(40.0) > 0.9
    assert result.share_refused < 0.012


@pytest.mark.parametrize("make", [lambda: FixedWindow(50.0, 1.0, 0.37), lambda: SlidingWindow(50.0, 1.0)])
def test_a_service_nearby_does_not_get_many_cuts_out_of_one_closed_window(make: Callable[[], Limiter]) -> None:
    nearby = Network(delay_s=0.0005, jitter_s=0.0002, service_s=0.002, refusal_s=0.001)
    result = run(make(), seconds=60.0, network=nearby)
    assert result.share_used(50.0) > 0.85


def test_the_length_of_a_window_is_measured_and_learned() -> None:
    search = LimitSearch()
    run(FixedWindow(20.0, 60.0, 17.0), search=search, seconds=400.0)
    learned = search.learned()
    assert learned is not None
    assert learned.window_s == 60.0
    assert learned.rate_per_s == pytest.approx(20.0, rel=0.05)


def test_a_learned_rate_saves_the_search() -> None:
    search = LimitSearch(learned=Learned(rate_per_s=40.0))
    result = run(TokenBucket(40.0, 40.0), search=search, seconds=30.0)
    assert result.share_used(40.0) > 0.95
    assert result.refused <= 3


def test_nothing_is_learned_until_a_limit_was_met() -> None:
    assert LimitSearch().learned() is None


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_search_adapts_to_a_limit_that_changes(factor: float) -> None:
    change = Change(200.0, 50.0 * factor)
    result = run(TokenBucket(50.0, 50.0), seconds=260.0, change=change)
    assert used_late(result, 50.0 * factor, last_s=20) > 0.9


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
    assert end - now > 60.0


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
    assert search.rate_per_s == DEFAULT_SEARCH.start_per_s


def test_growth_waits_for_responses() -> None:
    search = LimitSearch()
    now = 0.0
    for _ in range(100):
        now = search.next_start(now)
        search.sent(now)
    assert search.rate_per_s == DEFAULT_SEARCH.start_per_s


@pytest.mark.parametrize("seed", [1, 2])
def test_it_never_goes_above_its_ceiling(seed: int) -> None:
    result = run(TokenBucket(1000.0, 1000.0), search=LimitSearch(LOW_CEILING), seconds=60.0, seed=seed)
    starts = result.accepted_a_second[:59]
    assert max(starts) <= 50 + 2
    assert sum(starts[30:]) == pytest.approx(50 * 29, rel=0.02)


def test_a_limit_announced_in_headers_is_kept_without_a_refusal() -> None:
    search, limiter = LimitSearch(), FixedWindow(20.0, 60.0, 17.0)
    search.announced(0.0, RateHint(limit=1200, window_s=60))
    result = run(limiter, search=search, seconds=300.0)
    assert result.refused == 0
    assert used_late(result, 20.0) == pytest.approx(0.99, abs=0.01)


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
        search.accepted(now, ticket)
    elif kind != "lost":
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


@settings(max_examples=25, deadline=None)
@given(STEPS, st.sampled_from([2.0, 10.0, 30.0]), st.booleans())
def test_it_recovers_from_any_history(steps: list[tuple[float, float, str, float]], rate: float, tells: bool) -> None:
    search = LimitSearch(replace(LOW_CEILING, longest_pause_s=60.0))
    begin = live_through(search, steps)
    client = SearchClient(search, offset_s=begin)
    result = simulate(client, TokenBucket(rate, rate), seconds=1800.0, sends_retry_after=tells)
    assert used_late(result, rate, last_s=300) > 0.75


@given(st.lists(st.floats(0.0, 0.2), min_size=50, max_size=200))
def test_starts_are_never_closer_than_the_ceiling_except_to_catch_up(lateness: list[float]) -> None:
    search = LimitSearch(SearchPolicy(controller=RatePolicy(ceiling_per_s=20.0)), learned=Learned(rate_per_s=20.0))
    now, starts = 0.0, list[float]()
    for late_s in lateness:
        now = search.next_start(now) + late_s
        search.sent(now)
        starts.append(now)
    for first, last, count in zip(starts, starts[20:], [20] * len(starts), strict=False):
        assert count <= (last - first + DEFAULT_SEARCH.catch_up_s) * 20.0 + 1.0


def test_two_searches_with_the_same_responses_agree() -> None:
    draw = random.Random(7)
    limiters = [TokenBucket(30.0, 30.0), TokenBucket(30.0, 30.0)]
    seed = draw.randrange(1000)
    one, two = (run(limiter, seed=seed, seconds=60.0) for limiter in limiters)
    assert one.accepted_a_second == two.accepted_a_second


def test_it_shows_its_state() -> None:
    assert repr(LimitSearch()) == "<LimitSearch finding the limit, 2/s>"


def test_the_state_follows_what_the_search_is_doing() -> None:
    search = LimitSearch()
    assert search.snapshot(0.0).state is SearchState.STARTING
    first, *tickets = [search.sent(n / 10) for n in range(4)]
    search.refused(0.3, first)
    assert search.snapshot(0.3).state is SearchState.HOLDING
    for ticket in tickets:
        search.refused(0.5, ticket)
    assert search.snapshot(0.5).state is SearchState.CLOSED


def test_the_first_refusal_halves_the_rate() -> None:
    search = LimitSearch()
    search.refused(0.1, search.sent(0.0))
    assert search.rate_per_s == DEFAULT_SEARCH.start_per_s / 2.0
    assert search.snapshot(0.1).limit_per_s == DEFAULT_SEARCH.start_per_s


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
    search.sent(0.25)  # due at 0.2: 0.02 of it is caught up
    assert search.next_start(0.25) == pytest.approx(0.33)


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


TRANSITIONS = {
    (SearchState.STARTING, SearchState.HOLDING),
    (SearchState.HOLDING, SearchState.SEARCHING),
    (SearchState.HOLDING, SearchState.PROBING),
    (SearchState.SEARCHING, SearchState.PROBING),
    (SearchState.SEARCHING, SearchState.HOLDING),
    (SearchState.PROBING, SearchState.HOLDING),
    (SearchState.HOLDING, SearchState.CLOSED),
    (SearchState.CLOSED, SearchState.HOLDING),
}
"""The diagram in the README of the package. A limit announced in headers may also widen the gap while probing."""


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
    # A step up between the second and the third refusal in a row leaves HOLDING before the window closes.
    late_third = {(SearchState.SEARCHING, SearchState.CLOSED), (SearchState.PROBING, SearchState.CLOSED)}
    assert changes <= TRANSITIONS | late_third
