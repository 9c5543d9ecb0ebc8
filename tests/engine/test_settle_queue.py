from typing import Any

import anyio
import pytest

from batchrun.engine.sending.backlog import Work
from batchrun.engine.sending.settle_queue import Case, SettleQueue
from tests.engine.service import plan_of
from tests.engine.virtual_time import VirtualClock

SETTLE_AFTER_S = 30.0


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def works_of(count: int) -> list[Work]:
    return [Work(key=run.key, name=run.name, planned=run) for run in plan_of(count)]


def queue_of(count: int, settle_after_s: float = SETTLE_AFTER_S) -> tuple[SettleQueue, list[Work]]:
    queue, works = SettleQueue(settle_after_s), works_of(count)
    for work in works:
        queue.put(work)
    return queue, works


def case_of(queue: SettleQueue, work: Work) -> Case:
    (case,) = (case for case in queue if case.work is work)
    return case


def is_proven_absent(queue: SettleQueue, work: Work, scan_began_s: float, *, has_control: bool = True) -> bool:
    """What a complete scan that did not show the run proves."""
    return queue.missed(case_of(queue, work), scan_began_s, has_control=has_control)


async def next_due_s(queue: SettleQueue, clock: VirtualClock) -> float:
    """How long it is until the next look."""
    began_s = clock.now_s
    await queue.wait_due()
    return clock.now_s - began_s


async def test_the_first_look_comes_early_since_most_runs_are_there_at_once(clock: VirtualClock) -> None:
    queue, _ = queue_of(1)
    assert await next_due_s(queue, clock) < SETTLE_AFTER_S / 2


async def test_an_early_look_that_finds_nothing_proves_nothing(clock: VirtualClock) -> None:
    queue, (work,) = queue_of(1)
    began_s = clock.now_s
    await queue.wait_due()
    for _ in range(5):
        assert not is_proven_absent(queue, work, clock.now_s)
    await queue.wait_due()
    assert clock.now_s == pytest.approx(began_s + SETTLE_AFTER_S)


async def test_absence_takes_two_looks_after_the_time_and_the_second_comes_later(clock: VirtualClock) -> None:
    queue, (work,) = queue_of(1)
    clock.advance(SETTLE_AFTER_S)
    assert not is_proven_absent(queue, work, clock.now_s)
    assert await next_due_s(queue, clock) > 1.0
    assert is_proven_absent(queue, work, clock.now_s)
    assert work is queue.remove(case_of(queue, work))
    assert len(queue) == 0


async def test_a_look_counts_by_when_it_began(clock: VirtualClock) -> None:
    queue, (work,) = queue_of(1)
    began_s = clock.now_s + SETTLE_AFTER_S - 0.1
    clock.advance(SETTLE_AFTER_S + 60)
    assert not is_proven_absent(queue, work, began_s)
    assert not is_proven_absent(queue, work, clock.now_s)
    assert is_proven_absent(queue, work, clock.now_s)


async def test_an_attempt_that_is_lost_again_starts_from_the_beginning(clock: VirtualClock) -> None:
    queue, (work,) = queue_of(1)
    clock.advance(SETTLE_AFTER_S)
    is_proven_absent(queue, work, clock.now_s)
    queue.put(work)
    assert len(queue) == 1
    assert not is_proven_absent(queue, work, clock.now_s)
    clock.advance(SETTLE_AFTER_S)
    assert not is_proven_absent(queue, work, clock.now_s)
    assert is_proven_absent(queue, work, clock.now_s)


async def test_only_runs_whose_time_has_come_are_due(clock: VirtualClock) -> None:
    queue, (first, second) = queue_of(2)
    queue.postpone([case_of(queue, second)], 60.0)
    clock.advance(SETTLE_AFTER_S)
    assert [case.work for case in queue.due(clock.now_s)] == [first]


async def test_what_could_not_be_looked_for_is_due_later(clock: VirtualClock) -> None:
    queue, _ = queue_of(3)
    await queue.wait_due()
    queue.postpone(queue.due(clock.now_s), 12.0)
    assert await next_due_s(queue, clock) == pytest.approx(12.0)


async def test_a_run_that_arrives_wakes_whoever_waits_on_an_empty_queue(clock: VirtualClock) -> None:
    queue, (work,) = SettleQueue(SETTLE_AFTER_S), works_of(1)
    waited_s: list[float] = []

    async def wait() -> None:
        waited_s.append(await next_due_s(queue, clock))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(100)
        assert waited_s == []
        queue.put(work)
    assert 100 < waited_s[0] < 100 + SETTLE_AFTER_S


async def test_a_run_that_arrives_is_not_kept_waiting_by_one_that_is_due_later(clock: VirtualClock) -> None:
    queue, (early, late) = SettleQueue(SETTLE_AFTER_S), works_of(2)
    queue.put(late)
    queue.postpone([case_of(queue, late)], 1000.0)
    began_s = clock.now_s
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(queue.wait_due)
        await anyio.sleep(1)
        queue.put(early)
    assert clock.now_s - began_s < SETTLE_AFTER_S
    assert [case.work for case in queue.due(clock.now_s)] == [early]


async def test_runs_may_leave_while_all_are_looked_through() -> None:
    queue, works = queue_of(3)
    cases = list(queue)
    assert [queue.remove(case) for case in queue] == works
    assert len(queue) == 0
    assert not any(case in queue for case in cases)


async def test_a_case_of_an_earlier_loss_is_no_longer_in_it() -> None:
    queue, (work,) = queue_of(1)
    case = case_of(queue, work)
    assert case in queue
    queue.put(work)
    assert case not in queue


async def test_without_a_control_the_list_has_twice_as_long(clock: VirtualClock) -> None:
    queue, (work,) = queue_of(1)
    clock.advance(SETTLE_AFTER_S)
    for _ in range(5):
        assert not is_proven_absent(queue, work, clock.now_s, has_control=False)
    assert await next_due_s(queue, clock) == pytest.approx(SETTLE_AFTER_S)
    assert not is_proven_absent(queue, work, clock.now_s, has_control=False)
    assert is_proven_absent(queue, work, clock.now_s, has_control=False)


async def test_a_look_that_proves_nothing_takes_back_what_was_missed_before(clock: VirtualClock) -> None:
    queue, (work,) = queue_of(1)
    clock.advance(SETTLE_AFTER_S)
    assert not is_proven_absent(queue, work, clock.now_s)
    queue.doubted(case_of(queue, work))
    assert await next_due_s(queue, clock) > 1.0
    assert not is_proven_absent(queue, work, clock.now_s)
    assert is_proven_absent(queue, work, clock.now_s)


async def test_without_a_time_to_wait_two_looks_are_still_needed(clock: VirtualClock) -> None:
    queue, (work,) = queue_of(1, settle_after_s=0.0)
    assert await next_due_s(queue, clock) == pytest.approx(0.0, abs=1e-3)
    assert not is_proven_absent(queue, work, clock.now_s)
    assert is_proven_absent(queue, work, clock.now_s)
