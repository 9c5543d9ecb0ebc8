"""What Ctrl-C, SIGTERM and a closed terminal do: the first signal drains, the second ends the process."""

import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TypeVar

import anyio

from batchrun.cli.exits import ExitStatus
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.errors import BatchrunError, Problem

__all__ = ["handling", "is_repeat", "run_interruptible", "stop_on_signals", "stop_signals"]

T = TypeVar("T")

SAME_WITHIN_S = 0.3
"""Signals this close together count as one: ``timeout`` signals both the process and its process group."""

WAITING = "stopping: in-flight attempts finish first; press Ctrl-C again to stop immediately"
IN_FLIGHT_UNKNOWN = "in-flight attempts are unknown; resume to check them"


async def run_interruptible(
    work: Callable[[StopSwitch], Awaitable[T]],
    notify: Callable[[str], None],
    clean_up: Callable[[], None],
    *,
    when_pulled: str = WAITING,
    when_killed: str = IN_FLIGHT_UNKNOWN,
) -> T:
    """Run ``work`` with a stop switch that the first Ctrl-C, SIGTERM or SIGHUP pulls; a second one ends the process.

    ``notify`` prints ``when_pulled`` at the first signal: what is being waited for. ``clean_up`` runs before the process is
    ended: it restores the terminal and removes what must not stay behind. ``when_killed`` is what a person needs to know then.

    Raises:
        BatchrunError: what ``work`` raised, not wrapped in the task group's ``ExceptionGroup``.

    """
    switch = StopSwitch()
    failure: BatchrunError | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(
            partial(stop_on_signals, switch, notify, clean_up, when_pulled=when_pulled, when_killed=when_killed)
        )
        try:
            result = await work(switch)
        except BatchrunError as error:
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result


async def stop_on_signals(
    switch: StopSwitch,
    notify: Callable[[str], None],
    clean_up: Callable[[], None],
    *,
    when_pulled: str = WAITING,
    when_killed: str = IN_FLIGHT_UNKNOWN,
) -> None:
    """Pull the switch at the first signal and end the process at the second; runs until cancelled.

    SIGHUP is never a second request: a shell and the kernel each send one when a terminal is closed.
    """
    first_s: float | None = None
    with anyio.open_signal_receiver(*stop_signals()) as signals:
        async for received in signals:
            now = time.monotonic()
            if first_s is None:
                first_s = now
                switch.pull(_stop(received))
                notify(when_pulled)
            elif received is not signal.SIGHUP and not is_repeat(first_s, now):
                clean_up()
                notify(f"stopped immediately: {when_killed}")
                os._exit(_status(received))  # safe: the ledger is durable at every instruction


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask a process to stop."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as under nohup: the batch outlives its terminal
        return (signal.SIGINT, signal.SIGTERM)
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def handling(signals: Iterable[signal.Signals], handler: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call ``handler`` for each of these signals; afterwards, the earlier handlers are back."""

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        handler(signal.Signals(number))

    before = {number: signal.signal(number, handle) for number in signals}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def is_repeat(first_s: float, now_s: float) -> bool:
    """Whether a signal is an echo of the first one rather than a second request."""
    return now_s - first_s < SAME_WITHIN_S


def _stop(received: signal.Signals) -> Stop:
    if received is signal.SIGHUP:
        return Stop(StopReason.TERMINATED, Problem("SIGHUP", "the terminal was closed"))
    if received is signal.SIGTERM:
        return Stop(StopReason.TERMINATED, Problem("SIGTERM", "the batch was terminated"))
    return Stop(StopReason.INTERRUPTED, Problem("Ctrl-C", "the batch was interrupted"))


def _status(received: signal.Signals) -> ExitStatus:
    return ExitStatus.INTERRUPTED if received is signal.SIGINT else ExitStatus.TERMINATED
