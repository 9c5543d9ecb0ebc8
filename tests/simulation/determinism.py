"""What is taken away from a process so that one seed always gives one trace.

anyio keeps tasks and cancel scopes in sets, whose order follows memory addresses: they get sets in the order of insertion.
Work for threads runs at once. Hashes of text are fixed by ``PYTHONHASHSEED``, from outside. To be installed before batchrun is
imported.
"""

import asyncio
import importlib.metadata
import os
import random
import secrets
import socket
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

import anyio.lowlevel
import anyio.to_thread
from anyio._backends import _asyncio as backend
from anyio._core import _eventloop

__all__ = ["begin_loop", "install"]

T = TypeVar("T")


def install() -> None:
    """Make this process deterministic; chance is the seeded one of ``random``."""
    backend.set = _OrderedSet  # type: ignore[attr-defined]  # what it makes its sets with
    _eventloop.current_async_library = lambda: "asyncio"
    for module in [module for name, module in sys.modules.items() if name.startswith("anyio.")]:
        if hasattr(module, "get_async_backend"):  # asked for at each call; there is one
            setattr(module, "get_async_backend", lambda _=None: backend.AsyncIOBackend)  # noqa: B010 - modules have no such type
    anyio.to_thread.run_sync = _run_inline  # type: ignore[assignment]  # with fewer types
    os.getpid = lambda: 1
    socket.gethostname = lambda: "simulated"
    importlib.metadata.version = cache(importlib.metadata.version)  # reads files
    secrets.token_hex = lambda nbytes=None: random.randbytes(nbytes or 16).hex()


def begin_loop(loop: asyncio.AbstractEventLoop) -> None:
    """From now on, this loop runs. Which of its tasks does is asked for several times in each step, in Python before 3.12."""
    if sys.version_info < (3, 12):
        backend.current_task = partial(asyncio.tasks._current_tasks.get, loop)  # type: ignore[attr-defined]  # a name that it imported


class _OrderedSet(dict[Any, Any]):
    """As much of a set as anyio uses, in the order of insertion."""

    __slots__ = ()
    add = dict.setdefault
    remove = dict.pop

    def discard(self, item: Any) -> None:
        self.pop(item, None)


async def _run_inline(work: Callable[..., T], *args: Any, **_: Any) -> T:
    """A thread's work: at once, with other tasks running before and after it."""
    await anyio.lowlevel.checkpoint()
    result = work(*args)
    await anyio.lowlevel.checkpoint()
    return result
