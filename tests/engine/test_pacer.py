"""The pacer on a clock that jumps: what it waits comes out exact, and takes no time."""

import time
from itertools import pairwise
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from batchrun.engine.pacing.pacer import Pacer, Permit
from batchrun.engine.pacing.search_values import Learned
from batchrun.engine.verdicts import NextStep, Pressure, Verdict
from batchrun.errors import ApiError, Trouble
from batchrun.wherobots.rate_headers import RateHint
from tests.engine.virtual_time import VirtualClock

ACCEPTED = Verdict(NextStep.SUBMITTED)
SICK = Verdict(NextStep.SETTLE, Pressure.SICK)
FULL = Verdict(NextStep.RETRY, Pressure.QUOTA)


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def paced(**options: Any) -> Pacer:
    """A pacer on the clock of the test: its default is bound to the real one."""
    return Pacer(now=time.monotonic, **options)


def too_fast(retry_after_s: float | None = None) -> Verdict:
    return Verdict(NextStep.RETRY, Pressure.RATE, wait_s=retry_after_s)


def refused(status: int, *, retry_after_s: float | None = None) -> ApiError:
    return ApiError("GET /runs", "refused", trouble=Trouble(status=status), retry_after_s=retry_after_s)


async def take(pacer: Pacer, count: int, verdict: Verdict = ACCEPTED) -> list[float]:
    """When ``count`` attempts started, one after the other, each answered at once."""
    starts = []
    for _ in range(count):
        permit = await pacer.wait_for_permit()
        starts.append(time.monotonic())
        pacer.answered(permit, verdict, 0.001)
        pacer.ended(permit)
    return starts


async def test_a_fixed_rate_is_kept_by_many_workers() -> None:
    pacer, starts = paced(rate=200.0), list[float]()

    async def work() -> None:
        starts.extend(await take(pacer, 10))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(work)
    starts.sort()
    assert 99 / (starts[-1] - starts[0]) == pytest.approx(200.0, rel=0.001)


async def test_a_retry_after_pauses_all_workers_and_is_shown() -> None:
    pacer = paced(rate=100.0)
    await take(pacer, 1, too_fast(0.3))
    assert pacer.is_paused
    pace = pacer.pace()
    assert pace.pause_reason == "requested by the service with Retry-After"
    assert pace.pause_s == pytest.approx(0.3, abs=0.05)
    began = time.monotonic()
    starts = await take(pacer, 3)
    assert starts[0] - began >= 0.28
    assert starts[2] - starts[0] >= 0.018


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    pacer = paced(rate=100.0)
    pacer.pause(60.0, "long")
    pacer.pause(1.0, "short")
    assert pacer.pace().pause_reason == "long"


async def test_a_refusal_without_retry_after_pauses_a_fixed_rate_but_not_a_search() -> None:
    fixed, searching = paced(rate=10.0), paced(rate=None, learned=Learned(rate_per_s=500.0))
    for pacer in (fixed, searching):
        await take(pacer, 1, too_fast())
    assert fixed.is_paused
    assert not searching.is_paused
    assert searching.pace().limit_per_s == pytest.approx(500.0 * 0.98 * 0.5, rel=0.03)


async def test_a_closed_window_is_shown_as_a_pause() -> None:
    pacer = paced(rate=None, learned=Learned(rate_per_s=200.0))
    await take(pacer, 3, too_fast())
    pace = pacer.pace()
    assert pace.pause_reason == "waiting for the rate limit window to reset"
    assert pace.pause_s is not None


async def test_a_window_that_resets_wakes_the_waiting_worker() -> None:
    pacer = paced(rate=None, learned=Learned(rate_per_s=200.0))
    permits = [await pacer.wait_for_permit() for _ in range(4)]
    for permit in permits[:3]:
        pacer.answered(permit, too_fast(), 0.001)
        pacer.ended(permit)
    started = list[float]()

    async def wait() -> None:
        await pacer.wait_for_permit()
        started.append(time.monotonic())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(0.05)
        opened = time.monotonic()
        pacer.answered(permits[3], ACCEPTED, 0.05)
        pacer.ended(permits[3])
    assert started[0] - opened < 0.1


async def test_a_quota_says_nothing_about_the_rate() -> None:
    pacer = paced(rate=None, learned=Learned(rate_per_s=100.0))
    before = pacer.pace().limit_per_s
    await take(pacer, 5, FULL)
    assert pacer.pace().limit_per_s == before
    assert not pacer.is_paused


async def test_failures_leave_the_rate_alone_and_end_in_probes() -> None:
    pacer = paced(rate=1000.0)
    await take(pacer, 20, SICK)
    pace = pacer.pace()
    assert pace.pause_reason == "too many requests are failing"
    assert pace.limit_per_s == 1000.0
    with anyio.move_on_after(0.1) as scope:
        await pacer.wait_for_permit()
    assert scope.cancelled_caught


async def test_waiting_can_be_cancelled_and_the_next_worker_is_served() -> None:
    pacer = paced(rate=5.0)
    await take(pacer, 1)
    with anyio.move_on_after(0.01):
        await pacer.wait_for_permit()
    began = time.monotonic()
    await take(pacer, 1)
    assert time.monotonic() - began == pytest.approx(0.19, abs=0.001)


async def test_an_exhausted_window_announced_in_headers_is_shown_as_a_pause() -> None:
    pacer = paced(rate=None)
    hint = RateHint(limit=100, window_s=60, remaining=0, reset_s=30)
    permit = await pacer.wait_for_permit()
    pacer.answered(permit, ACCEPTED, 0.1, hint=hint)
    pacer.ended(permit)
    assert pacer.pace().pause_reason == "the rate limit is exhausted until its window resets"
    assert pacer.pace().pause_s == pytest.approx(30.0, abs=0.1)


async def test_what_was_learned_is_handed_on() -> None:
    assert Pacer(rate=50.0).learned() is None
    assert Pacer(rate=None).learned() is None
    learned = paced(rate=None, learned=Learned(rate_per_s=40.0, window_s=60.0)).learned()
    assert learned == Learned(rate_per_s=40.0 * 0.98, window_s=60.0)


async def test_reading_calls_wait_for_the_end_of_a_pause() -> None:
    pacer = paced(rate=50.0)
    pacer.pause(0.2, "a pause")
    began = time.monotonic()
    await pacer.wait_for_read()
    assert time.monotonic() - began >= 0.19


async def test_reading_calls_have_their_own_rate_by_default_a_fifth_of_the_attempts() -> None:
    given, by_default = paced(rate=1000.0, read_rate=2.0), paced(rate=1000.0)
    with anyio.move_on_after(0.3):
        for _ in range(3):
            await given.wait_for_read()
        pytest.fail("a third read request started within a second")
    with anyio.fail_after(0.3):
        for _ in range(200):
            await by_default.wait_for_read()


async def test_a_refused_reading_call_halves_their_rate_and_pauses_everybody_as_asked() -> None:
    now, began = 50.0, time.monotonic()
    pacer = Pacer(rate=100.0, now=lambda: now + time.monotonic() - began)
    pacer.read_refused(refused(500))
    assert not pacer.is_paused
    for _ in range(50):  # half of 100 a second, since no attempt waits; not halved
        await pacer.wait_for_read()
    pacer.read_refused(refused(429, retry_after_s=30.0))
    assert pacer.pace().pause_s == pytest.approx(30.5, abs=0.51)
    now += 100.0
    pacer.read_refused(refused(429))
    assert not pacer.is_paused
    for _ in range(26):  # the rate recovers meanwhile
        await pacer.wait_for_read()
    with anyio.move_on_after(0.02) as scope:
        await pacer.wait_for_read()
    assert scope.cancelled_caught


async def test_a_pause_that_is_prolonged_holds_a_waiting_reading_call() -> None:
    pacer = paced(rate=50.0)
    pacer.pause(0.1, "a pause")
    began = time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pacer.wait_for_read)
        await anyio.sleep(0.05)
        pacer.pause(0.2, "a longer one")
    assert time.monotonic() - began >= 0.24


async def test_a_retry_after_is_prolonged_by_a_tenth_or_a_second_at_most() -> None:
    now = time.monotonic()
    for retry_after_s, most_s in ((5.0, 5.5), (600.0, 601.0)):
        pauses = set[float]()
        for _ in range(20):
            pacer = Pacer(rate=100.0, now=lambda: now)
            await take(pacer, 1, too_fast(retry_after_s))
            pauses.add(pacer.pace().pause_s or 0.0)
        assert retry_after_s <= min(pauses) < max(pauses) <= most_s


async def test_a_fixed_rate_pauses_a_second_without_retry_after() -> None:
    pacer = Pacer(rate=100.0, now=lambda: 50.0)
    await take(pacer, 1, too_fast())
    assert pacer.pace().pause_s == pytest.approx(1.05, abs=0.051)


async def test_permits_are_handed_out_in_the_order_of_asking() -> None:
    pacer, order = paced(rate=200.0), list[int]()

    async def work(number: int) -> None:
        await pacer.wait_for_permit()
        order.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(work, number)
            await anyio.lowlevel.checkpoint()
    assert order == sorted(order)


async def test_the_pace_of_a_fixed_rate_and_of_a_search() -> None:
    fixed, search = paced(rate=25.0).pace(), paced(rate=None).pace()
    assert (fixed.limit_per_s, fixed.description, fixed.pause_s) == (25.0, "fixed rate", None)
    assert (search.limit_per_s, search.description, search.pause_s) == (10.0, "finding the limit", None)


async def test_a_success_after_failures_ends_the_pause() -> None:
    pacer = paced(rate=1000.0)
    permits = [await pacer.wait_for_permit() for _ in range(20)]
    for permit in permits[:19]:
        pacer.answered(permit, SICK, 0.001)
    pacer.answered(permits[19], SICK, 0.001)
    assert pacer.pace().pause_reason == "too many requests are failing"
    pacer.answered(permits[0], ACCEPTED, 0.001)
    assert pacer.pace().pause_s is None


async def test_a_permit_that_is_given_back_makes_room_for_the_next() -> None:
    pacer = paced(rate=None)
    for _ in range(8):  # until the bound on what is in flight is known
        await take(pacer, 1)
    permits = list[Permit]()
    with anyio.move_on_after(0.5):
        while True:
            permits.append(await pacer.wait_for_permit())
    assert pacer.pace().in_flight_limit is None  # nobody waits
    assert len(permits) < 20
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pacer.wait_for_permit)
        await anyio.sleep(0.02)
        assert pacer.pace().in_flight_limit is not None
        began = time.monotonic()
        pacer.ended(permits[0])
    assert time.monotonic() - began < 0.1


async def test_once_a_reading_call_was_refused_each_takes_the_place_of_an_attempt() -> None:
    pacer = paced(rate=20.0, read_rate=1000.0)
    await pacer.wait_for_permit()
    began = time.monotonic()
    await pacer.wait_for_read()
    assert time.monotonic() - began < 0.001  # beside the attempts
    pacer.read_refused(refused(429))
    starts = []
    for call in (pacer.wait_for_read, pacer.wait_for_permit, pacer.wait_for_read, pacer.wait_for_permit):
        await call()
        starts.append(time.monotonic())
    assert [after - before for before, after in pairwise(starts)] == pytest.approx([0.05] * 3, abs=0.001)


async def test_a_reading_call_and_an_attempt_that_waited_for_the_same_pause_do_not_start_together() -> None:
    pacer, starts = paced(rate=None, learned=Learned(rate_per_s=10.0)), list[float]()
    pacer.read_refused(refused(429, retry_after_s=0.1))

    async def attempt() -> None:
        await pacer.wait_for_permit()
        starts.append(time.monotonic())

    async def read() -> None:
        await pacer.wait_for_read()
        starts.append(time.monotonic())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(attempt)
        tasks.start_soon(read)
    assert abs(starts[1] - starts[0]) == pytest.approx(0.1, rel=0.3)
