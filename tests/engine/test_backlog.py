from collections.abc import Iterator
from threading import get_ident
from typing import Any

import anyio
import pytest

from batchrun.engine.sending.backlog import READ_AHEAD, Backlog, Work
from batchrun.errors import PlanChangedError
from tests.engine.service import plan_of
from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def works(count: int) -> list[Work]:
    return [Work(key=run.key, name=run.name, planned=run) for run in plan_of(count)]


async def backlog_of(source: list[Work], clock: VirtualClock) -> Backlog:
    backlog = Backlog(iter(source), clock.monotonic)
    await backlog.read_ahead()
    return backlog


async def test_new_runs_are_handed_out_in_plan_order_and_then_none(clock: VirtualClock) -> None:
    source = works(3)
    backlog = await backlog_of(source, clock)
    for work in source:
        assert await backlog.take() is work
        backlog.retire()
    assert backlog.is_finished
    assert await backlog.take() is None


async def test_a_run_whose_wait_is_over_goes_before_one_that_is_ready_and_both_before_new_ones(
    clock: VirtualClock,
) -> None:
    first, second, third = works(3)
    backlog = await backlog_of([first, second, third], clock)
    await backlog.take()
    await backlog.take()
    backlog.put(first)
    backlog.put(second, due_s=clock.now_s + 5)
    clock.advance(5)
    assert [await backlog.take() for _ in range(3)] == [second, first, third]


async def test_a_run_that_waits_lets_others_go_first(clock: VirtualClock) -> None:
    first, second = works(2)
    backlog = await backlog_of([first, second], clock)
    await backlog.take()
    backlog.put(first, due_s=clock.now_s + 5)
    began_s = clock.now_s
    assert await backlog.take() is second
    assert clock.now_s == pytest.approx(began_s)
    assert await backlog.take() is first
    assert clock.now_s == pytest.approx(began_s + 5)


async def test_runs_that_wait_come_back_in_the_order_of_their_times(clock: VirtualClock) -> None:
    source = works(3)
    backlog = await backlog_of(source, clock)
    for delay_s in (3, 1, 2):
        work = await backlog.take()
        assert work is not None
        backlog.put(work, due_s=clock.now_s + delay_s)
    assert backlog.waiting == 3
    clock.advance(3)
    assert [await backlog.take() for _ in range(3)] == [source[1], source[2], source[0]]
    assert backlog.waiting == 0


async def test_it_is_not_finished_while_a_run_is_out(clock: VirtualClock) -> None:
    (work,) = works(1)
    backlog, taken = await backlog_of([work], clock), list[Work | None]()
    await backlog.take()
    assert backlog.is_empty
    assert not backlog.is_finished

    async def take() -> None:
        taken.append(await backlog.take())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await anyio.sleep(60)
        assert taken == []
        backlog.put(work)
    assert taken == [work]


async def test_everyone_who_waits_learns_that_it_is_finished(clock: VirtualClock) -> None:
    backlog, taken = await backlog_of(works(1), clock), list[Work | None]()
    await backlog.take()

    async def take() -> None:
        taken.append(await backlog.take())

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(take)
        await anyio.sleep(1)
        backlog.retire()
    assert taken == [None] * 5


async def test_a_run_that_is_settled_from_the_start_keeps_it_open(clock: VirtualClock) -> None:
    backlog = await backlog_of([], clock)
    backlog.adopt()
    assert not backlog.is_finished
    assert backlog.is_drained_but(1)
    backlog.retire()
    assert backlog.is_finished


async def test_drained_means_that_nothing_is_queued(clock: VirtualClock) -> None:
    first, second = works(2)
    backlog = await backlog_of([first, second], clock)
    await backlog.take()
    assert not backlog.is_drained_but(1), "a new run is left"
    await backlog.take()
    assert not backlog.is_drained_but(1), "two are out"
    backlog.put(first, due_s=clock.now_s + 60)
    assert not backlog.is_drained_but(1), "one waits"
    await backlog.take()
    backlog.retire()
    assert backlog.is_drained_but(1)


async def test_whatever_comes_back_is_reported(clock: VirtualClock) -> None:
    returned: list[int] = []
    backlog = Backlog(iter(works(2)), clock.monotonic, on_return=lambda: returned.append(1))
    await backlog.read_ahead()
    work = await backlog.take()
    assert work is not None
    backlog.put(work, due_s=clock.now_s)
    await backlog.take()
    backlog.retire()
    assert len(returned) == 2


async def test_the_plan_is_read_as_a_stream_some_runs_ahead_and_off_the_event_loop(clock: VirtualClock) -> None:
    read: list[str] = []
    threads: set[int] = set()

    def stream() -> Iterator[Work]:
        for number in range(3 * READ_AHEAD):
            read.append(str(number))
            threads.add(get_ident())
            yield Work(key=str(number), name=str(number), planned=None)

    ended: list[int] = []
    backlog = Backlog(stream(), clock.monotonic, on_end=lambda: ended.append(1))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(backlog.read_ahead)
        for _ in range(10):
            await backlog.take()
            assert not backlog.is_empty
        assert len(read) <= 2 * READ_AHEAD
        assert ended == []
        for _ in range(3 * READ_AHEAD - 10):
            await backlog.take()
    assert ended == [1]
    assert backlog.is_empty
    assert get_ident() not in threads


async def test_while_the_plan_is_read_nobody_knows_whether_there_is_more(clock: VirtualClock) -> None:
    backlog = Backlog(iter(()), clock.monotonic)
    assert not backlog.is_empty
    await backlog.read_ahead()
    assert backlog.is_empty


async def test_a_plan_that_cannot_be_read_is_an_error_of_the_reader(clock: VirtualClock) -> None:
    def stream() -> Iterator[Work]:
        yield from works(2)
        raise PlanChangedError("plan.jsonl", "it changed")

    with pytest.raises(PlanChangedError):
        await Backlog(stream(), clock.monotonic).read_ahead()


async def test_a_waiter_that_is_cancelled_takes_nothing_with_it(clock: VirtualClock) -> None:
    (work,) = works(1)
    backlog = await backlog_of([work], clock)
    await backlog.take()
    with anyio.move_on_after(1):
        await backlog.take()
    backlog.put(work)
    assert await backlog.take() is work
