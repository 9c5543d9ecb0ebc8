"""Ctrl-C once drains, twice stops; SIGTERM is one Ctrl-C."""

import os
import signal
import time
from collections.abc import Callable

import anyio

from batchrun.cli.exits import ExitStatus
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.errors import Problem

__all__ = ["stop_on_signals"]


SAME_WITHIN_S = 0.3
"""Two signals so close together are one: ``timeout`` sends its own to the process and to the process's group."""


async def stop_on_signals(
    switch: StopSwitch,
    say: Callable[[str], None],
    leave: Callable[[], None],
    *,
    at_once: str = "what was under way is unknown, and resuming finds out",
) -> None:
    """Pull the switch at the first signal, end the process at the second; runs until cancelled.

    ``say`` tells a person what is being waited for; ``leave`` takes what is drawn off the terminal, and whatever else
    must not stay behind; ``at_once`` says what a second signal means.
    """
    first_s: float | None = None
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for received in signals:
            if first_s is not None:
                if time.monotonic() - first_s < SAME_WITHIN_S:
                    continue
                leave()
                say(f"stopped at once: {at_once}")
                os._exit(_status(received))  # the ledger is durable at every instruction; nothing needs to be tidied
            first_s = time.monotonic()
            switch.pull(_stop(received))
            say("stopping: waiting for the attempts under way to end; Ctrl-C again stops at once")


def _stop(received: signal.Signals) -> Stop:
    if received is signal.SIGTERM:
        return Stop(StopReason.TERMINATED, Problem("SIGTERM", "the batch was asked to end"))
    return Stop(StopReason.INTERRUPTED, Problem("Ctrl-C", "the batch was interrupted"))


def _status(received: signal.Signals) -> ExitStatus:
    return ExitStatus.TERMINATED if received is signal.SIGTERM else ExitStatus.INTERRUPTED
