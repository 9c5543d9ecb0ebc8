"""Ctrl-C once drains, twice stops; SIGTERM is one Ctrl-C."""

import os
import signal
from collections.abc import Callable

import anyio

from batchrun.cli.exits import ExitStatus
from batchrun.engine.stopping import StopReason, StopSwitch
from batchrun.errors import Problem

__all__ = ["stop_on_signals"]


async def stop_on_signals(switch: StopSwitch, say: Callable[[str], None], leave: Callable[[], None]) -> None:
    """Pull the switch at the first signal, end the process at the second; runs until cancelled.

    ``say`` tells a person what is being waited for; ``leave`` takes what is drawn off the terminal.
    """
    is_first = True
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for received in signals:
            if not is_first:
                leave()
                say("stopped at once: what was under way is unknown, and resuming finds out")
                os._exit(_status(received))  # the ledger is durable at every instruction; nothing needs to be tidied
            is_first = False
            switch.pull(*_reason(received))
            say("stopping: waiting for the attempts under way to end; Ctrl-C again stops at once")


def _reason(received: signal.Signals) -> tuple[StopReason, Problem]:
    if received is signal.SIGTERM:
        return StopReason.TERMINATED, Problem("SIGTERM", "the batch was asked to end")
    return StopReason.INTERRUPTED, Problem("Ctrl-C", "the batch was interrupted")


def _status(received: signal.Signals) -> ExitStatus:
    return ExitStatus.TERMINATED if received is signal.SIGTERM else ExitStatus.INTERRUPTED
