import time

import anyio
import pytest

from batchrun.engine.pacing.limit_search import Learned
from batchrun.engine.pacing.pacer import Pacing, Turn
from batchrun.engine.verdicts import Follow, Pressure, Verdict
from batchrun.wherobots.rate_headers import RateHint

ACCEPTED = Verdict(Follow.SUBMITTED)
SICK = Verdict(Follow.SETTLE, Pressure.SICK)
FULL = Verdict(Follow.RETRY, Pressure.QUOTA)


def too_fast(retry_after_s: float | None = None) -> Verdict:
    return Verdict(Follow.RETRY, Pressure.RATE, wait_s=retry_after_s)


async def take(pacing: Pacing, count: int, verdict: Verdict = ACCEPTED) -> list[float]:
    """So many attempts, one after the other, each answered at once: when they started."""
    starts = []
    for _ in range(count):
        turn = await pacing.wait_turn()
        starts.append(time.monotonic())
        pacing.answered(turn, verdict, 0.001)
        pacing.ended()
    return starts


async def test_a_fixed_rate_is_kept_by_many_workers() -> None:
    pacing, starts = Pacing(rate=200.0), list[float]()

    async def work() -> None:
        starts.extend(await take(pacing, 10))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(work)
    starts.sort()
    assert 99 / (starts[-1] - starts[0]) == pytest.approx(200.0, rel=0.05)


async def test_a_retry_after_holds_everyone_and_is_told() -> None:
    pacing = Pacing(rate=100.0)
    await take(pacing, 1, too_fast(0.3))
    assert pacing.is_paused
    pace = pacing.pace()
    assert pace.pause_reason == "the service asked to slow down"
    assert pace.pause_s == pytest.approx(0.3, abs=0.05)
    began = time.monotonic()
    starts = await take(pacing, 3)
    assert starts[0] - began >= 0.28
    assert starts[2] - starts[0] >= 0.018


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    pacing = Pacing(rate=100.0)
    pacing.pause(60.0, "long")
    pacing.pause(1.0, "short")
    assert pacing.pace().pause_reason == "long"


async def test_a_refusal_that_names_no_time_pauses_a_fixed_rate_but_not_a_search() -> None:
    fixed, searching = Pacing(rate=10.0), Pacing(rate=None, learned=Learned(rate_per_s=500.0))
    for pacing in (fixed, searching):
        await take(pacing, 1, too_fast())
    assert fixed.is_paused
    assert not searching.is_paused
    assert searching.pace().limit_per_s == pytest.approx(500.0 * 0.98 * 0.5, rel=0.03)


async def test_a_search_that_is_refused_everything_says_that_it_waits_for_the_window() -> None:
    pacing = Pacing(rate=None, learned=Learned(rate_per_s=200.0))
    await take(pacing, 3, too_fast())
    pace = pacing.pace()
    assert pace.pause_reason == "waiting for the limit's window to open"
    assert pace.pause_s is not None


async def test_a_window_that_opens_wakes_those_who_wait() -> None:
    pacing = Pacing(rate=None, learned=Learned(rate_per_s=200.0))
    turns = [await pacing.wait_turn() for _ in range(4)]
    for turn in turns[:3]:
        pacing.answered(turn, too_fast(), 0.001)
        pacing.ended()
    started = list[float]()

    async def wait() -> None:
        await pacing.wait_turn()
        started.append(time.monotonic())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(0.05)
        opened = time.monotonic()
        pacing.answered(turns[3], ACCEPTED, 0.05)
        pacing.ended()
    assert started[0] - opened < 0.1


async def test_a_quota_says_nothing_about_the_rate() -> None:
    pacing = Pacing(rate=None, learned=Learned(rate_per_s=100.0))
    before = pacing.pace().limit_per_s
    await take(pacing, 5, FULL)
    assert pacing.pace().limit_per_s == before
    assert not pacing.is_paused


async def test_a_sick_service_leaves_the_rate_alone_and_ends_in_probes() -> None:
    pacing = Pacing(rate=1000.0)
    await take(pacing, 20, SICK)
    pace = pacing.pace()
    assert pace.pause_reason == "the service is not well"
    assert pace.limit_per_s == 1000.0
    with anyio.move_on_after(0.1) as scope:
        await pacing.wait_turn()
    assert scope.cancelled_caught


async def test_a_search_leaves_only_a_few_unanswered() -> None:
    pacing, turns = Pacing(rate=None, learned=Learned(rate_per_s=400.0)), list[Turn]()
    with anyio.move_on_after(0.3):
        while True:
            turns.append(await pacing.wait_turn())
    assert len(turns) == 4


async def test_waiting_can_be_cancelled_and_the_next_one_gets_the_turn() -> None:
    pacing = Pacing(rate=5.0)
    await take(pacing, 1)
    with anyio.move_on_after(0.01):
        await pacing.wait_turn()
    began = time.monotonic()
    await take(pacing, 1)
    assert time.monotonic() - began < 0.3


async def test_a_used_up_window_that_the_headers_tell_of_is_waited_for_and_told() -> None:
    pacing = Pacing(rate=None)
    hint = RateHint(limit=100, window_s=60, remaining=0, reset_s=30)
    pacing.answered(await pacing.wait_turn(), ACCEPTED, 0.1, hint=hint)
    pacing.ended()
    assert pacing.pace().pause_reason == "the limit's window is used up"
    assert pacing.pace().pause_s == pytest.approx(30.0, abs=0.1)


async def test_what_was_learned_is_handed_on() -> None:
    assert Pacing(rate=50.0).learned() is None
    assert Pacing(rate=None).learned() is None
    learned = Pacing(rate=None, learned=Learned(rate_per_s=40.0, window_s=60.0)).learned()
    assert learned == Learned(rate_per_s=40.0 * 0.98, window_s=60.0)


async def test_list_calls_keep_out_of_pauses() -> None:
    pacing = Pacing(rate=50.0)
    pacing.pause(0.2, "a pause")
    began = time.monotonic()
    await pacing.wait_scan_turn()
    assert time.monotonic() - began >= 0.19
