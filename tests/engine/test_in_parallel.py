"""Work on many items, a few at once."""

import anyio
import anyio.lowlevel
import pytest

from batchrun.engine.listing.in_parallel import in_parallel


async def test_every_item_is_worked_on_once_and_few_at_a_time() -> None:
    busy = most = 0
    done: list[int] = []

    async def work(item: int) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await anyio.lowlevel.checkpoint()
        busy -= 1
        done.append(item)

    await in_parallel(range(50), work, at_once=4)
    assert sorted(done) == list(range(50))
    assert most == 4


async def test_the_first_failure_ends_it_and_is_raised_as_it_is() -> None:
    done: list[int] = []

    async def work(item: int) -> None:
        await anyio.lowlevel.checkpoint()
        if item == 3:
            raise KeyError(item)
        done.append(item)

    with pytest.raises(KeyError):
        await in_parallel(range(1000), work, at_once=2)
    assert len(done) < 10
