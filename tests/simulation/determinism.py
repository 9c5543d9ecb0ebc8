"""What has to be taken away from a process so that the same seed gives the same trace.

anyio keeps tasks and cancel scopes in sets, whose order follows memory addresses: they get ordered sets. Hashes of text
must be the same in each process: ``ensure_fixed_hashes`` starts Python again with ``PYTHONHASHSEED=0``.
"""

import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
from anyio._backends import _asyncio as backend

from batchrun.engine import batch, submit
from batchrun.ledger import writer
from batchrun.sweep.plan import Plan, build_plan

__all__ = ["Overlay", "ensure_fixed_hashes", "install"]

T = TypeVar("T")


class OrderedSet(Generic[T]):
    """As much of a set as anyio uses, in the order of insertion."""

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = dict.fromkeys(items)

    def add(self, item: T) -> None:
        self._items[item] = None

    def discard(self, item: T) -> None:
        self._items.pop(item, None)

    def remove(self, item: T) -> None:
        del self._items[item]

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items))

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: object) -> bool:
        return item in self._items


class Overlay:
    """A module with some of its functions replaced."""

    def __init__(self, module: Any, **replaced: Any) -> None:
        self._module = module
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def ensure_fixed_hashes() -> None:
    """Start this program again with fixed hashes, unless it has them."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONHASHSEED": "0"})


def install() -> None:
    """Make this process deterministic, and the engine's own pauses few: a simulated second is to cost little."""
    _order_sets()
    anyio.to_thread.run_sync = _run_inline  # type: ignore[assignment]
    submit.version = batch.version = lambda _: "0"  # type: ignore[attr-defined]
    submit.os = Overlay(os, getpid=lambda: 1)  # type: ignore[attr-defined]
    submit.socket = SimpleNamespace(gethostname=lambda: "simulated")  # type: ignore[attr-defined]
    batch.secrets = SimpleNamespace(token_hex=lambda size: random.randbytes(size).hex())  # type: ignore[attr-defined]
    batch.build_plan = _cached(build_plan)  # type: ignore[attr-defined]
    submit.PROGRESS_EVERY_S = 1000.0  # type: ignore[misc]
    writer.FLUSH_EVERY_S = 0.25  # type: ignore[misc]


def _order_sets() -> None:
    scope_init, group_init = backend.CancelScope.__init__, backend.TaskGroup.__init__

    def init_scope(self: Any, *args: Any, **kwargs: Any) -> None:
        scope_init(self, *args, **kwargs)
        self._child_scopes, self._tasks = OrderedSet(), OrderedSet()

    def init_group(self: Any) -> None:
        group_init(self)
        self._tasks = OrderedSet()

    backend.CancelScope.__init__ = init_scope  # type: ignore[method-assign]
    backend.TaskGroup.__init__ = init_group  # type: ignore[method-assign]


async def _run_inline(work: Callable[..., T], *args: Any, **_: Any) -> T:
    """A thread's work: at once, with other tasks running before and after it."""
    await anyio.lowlevel.checkpoint()
    result = work(*args)
    await anyio.lowlevel.checkpoint()
    return result


def _cached(build: Callable[..., Plan]) -> Callable[..., Plan]:
    plans: dict[Any, Plan] = {}

    def build_once(manifest: Any, *, environ: Any = None) -> Plan:
        place = manifest.text, (environ or {}).get("TOKEN")
        if place not in plans:
            plans[place] = build(manifest, environ=environ)
        return plans[place]

    return build_once
