"""Process many items with a few concurrent tasks."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

__all__ = ["in_parallel"]

T = TypeVar("T")

AT_ONCE = 8
"""Calls in flight: with answers that take 100 ms, enough for 80 a second."""


async def in_parallel(items: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int = AT_ONCE) -> None:
    """Await ``work`` for every item, a few of them at once. The first failure ends all and is raised as it is."""
    left = iter(items)
    failures: list[Exception] = []

    async def take(scope: anyio.CancelScope) -> None:
        for item in left:  # shared: each item goes to whichever task is free
            try:
                await work(item)
            except Exception as error:  # noqa: BLE001 - raised below, outside of the group, which would wrap it
                failures.append(error)
                scope.cancel()
                return

    async with anyio.create_task_group() as tasks:
        for _ in range(at_once):
            tasks.start_soon(take, tasks.cancel_scope)
    if failures:
        raise failures[0]
