"""One timer ends every request that takes too long, each at its own time, and nothing else."""

import asyncio

import anyio
import pytest

from batchrun.wherobots.total_timeout import TotalTimeout
from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    clock = VirtualClock()
    clock.install(monkeypatch)
    return clock


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, object]]:
    return clock.backend


async def timed(total: TotalTimeout, clock: VirtualClock, *, start_s: float, takes_s: float) -> str:
    """How something ended that starts and takes so long, and after how many seconds it did."""
    await anyio.sleep(start_s)
    began_s = clock.now_s
    try:
        with total.begin():
            await anyio.sleep(takes_s)
    except TimeoutError:
        return f"late after {clock.now_s - began_s:.3f} s"
    return f"done after {clock.now_s - began_s:.3f} s"


async def test_each_ends_at_its_own_time(clock: VirtualClock) -> None:
    timeout = TotalTimeout(3.0)
    async with asyncio.TaskGroup() as tasks:
        ends = [
            tasks.create_task(timed(timeout, clock, start_s=start_s, takes_s=takes_s))
            for start_s, takes_s in [(0.0, 2.0), (0.5, 9.0), (1.0, 2.5), (2.0, 4.0), (30.0, 5.0)]
        ]
    timeout.close()
    assert [end.result() for end in ends] == [
        "done after 2.000 s",
        "late after 3.000 s",
        "done after 2.500 s",
        "late after 3.000 s",
        "late after 3.000 s",
    ]


async def test_a_task_continues_after_its_timeout(clock: VirtualClock) -> None:
    timeout = TotalTimeout(3.0)
    assert [await timed(timeout, clock, start_s=0.0, takes_s=takes_s) for takes_s in (5.0, 1.0, 5.0)] == [
        "late after 3.000 s",
        "done after 1.000 s",
        "late after 3.000 s",
    ]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_from_elsewhere_stays_one(clock: VirtualClock) -> None:
    timeout = TotalTimeout(3.0)
    task = asyncio.create_task(timed(timeout, clock, start_s=0.0, takes_s=9.0))
    await anyio.sleep(2.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await anyio.sleep(5.0)  # the timer finds nothing to end


async def test_a_cancellation_in_the_moment_of_the_timeout_stays_one(clock: VirtualClock) -> None:
    timeout = TotalTimeout(3.0)
    task = asyncio.create_task(timed(timeout, clock, start_s=0.0, takes_s=9.0))
    await anyio.sleep(2.0)
    asyncio.get_running_loop().call_later(1.0, task.cancel)  # both are due in the same pass of the loop
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancel_scope_around_it_ends_as_usual(clock: VirtualClock) -> None:
    timeout = TotalTimeout(3.0)
    with anyio.move_on_after(1.0) as scope:
        await timed(timeout, clock, start_s=0.0, takes_s=9.0)
    assert scope.cancelled_caught
    assert await timed(timeout, clock, start_s=0.0, takes_s=9.0) == "late after 3.000 s"


async def test_an_error_in_time_is_kept() -> None:
    with pytest.raises(ZeroDivisionError), TotalTimeout(3.0).begin():
        raise ZeroDivisionError
    await anyio.sleep(9.0)
