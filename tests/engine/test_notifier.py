"""Waiting for a change, and being woken by one."""

from typing import Any

import anyio
import pytest

from batchrun.engine.sending.notifier import Notifier
from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


async def test_a_notification_wakes_all_who_wait_and_none_who_come_later(clock: VirtualClock) -> None:
    notifier, woken = Notifier(), list[int]()

    async def wait(number: int) -> None:
        await notifier.wait()
        woken.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(wait, number)
        await anyio.sleep(1)
        notifier.notify()
        await anyio.sleep(1)
        assert woken == [0, 1, 2]
        began_s = clock.now_s
        await notifier.wait(5)  # what was said before it waited does not count
        assert clock.now_s - began_s == pytest.approx(5, abs=0.01)


async def test_it_waits_no_longer_than_it_is_asked_to(clock: VirtualClock) -> None:
    began_s = clock.now_s
    await Notifier().wait(2.5)
    assert clock.now_s - began_s == pytest.approx(2.5, abs=0.01)


async def test_one_who_gives_up_is_no_longer_counted() -> None:
    notifier = Notifier()
    with anyio.move_on_after(1):
        await notifier.wait()
    event = notifier._event
    notifier.notify()
    assert notifier._event is event  # nobody waits, so no event is made
