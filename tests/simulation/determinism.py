"""What is taken away from a process so that one seed always gives one trace.

anyio keeps tasks and cancel scopes in sets, whose order follows memory addresses: they get sets in the order of insertion.
Work for threads runs at once. Hashes of text are fixed by ``PYTHONHASHSEED``, from outside. To be installed before batchrun is
imported.
"""

import importlib.metadata
import os
import random
import secrets
import socket
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import anyio.lowlevel
import anyio.to_thread
from anyio._backends import _asyncio as backend

__all__ = ["install"]

T = TypeVar("T")


def install() -> None:
    """Make this process deterministic; chance is the seeded one of ``random``."""
    _order_sets()
    anyio.to_thread.run_sync = _run_inline  # type: ignore[assignment]
    os.getpid = lambda: 1
    socket.gethostname = lambda: "simulated"
    importlib.metadata.version = cache(importlib.metadata.version)  # reads files
    secrets.token_hex = lambda nbytes=None: random.randbytes(nbytes or 16).hex()


class _OrderedSet(dict[Any, None]):
    """As much of a set as anyio uses."""

    __slots__ = ()

    def add(self, item: Any) -> None:
        self[item] = None

    def discard(self, item: Any) -> None:
        self.pop(item, None)

    def remove(self, item: Any) -> None:
        del self[item]


def _order_sets() -> None:
    init_scope, init_group = backend.CancelScope.__init__, backend.TaskGroup.__init__

    def ordered_scope(self: Any, *args: Any, **kwargs: Any) -> None:
        init_scope(self, *args, **kwargs)
        self._child_scopes, self._tasks = _OrderedSet(), _OrderedSet()

    def ordered_group(self: Any) -> None:
        init_group(self)
        self._tasks = _OrderedSet()

    backend.CancelScope.__init__ = ordered_scope  # type: ignore[method-assign]
    backend.TaskGroup.__init__ = ordered_group  # type: ignore[method-assign]


async def _run_inline(work: Callable[..., T], *args: Any, **_: Any) -> T:
    """A thread's work: at once, with other tasks running before and after it."""
    await anyio.lowlevel.checkpoint()
    result = work(*args)
    await anyio.lowlevel.checkpoint()
    return result
