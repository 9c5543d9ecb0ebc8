"""A session's own two events in the ledger: its start and its end."""

import os
import socket
from importlib.metadata import version
from typing import Literal

from batchrun.engine.learned_rate import rate_table
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.tally import Tally
from batchrun.ledger.events import SessionEvent
from batchrun.ledger.file import FileLedger
from batchrun.wherobots.clock import ServerClock

__all__ = ["SessionEvents"]


class SessionEvents:
    """Both are durable once they are recorded: who resumes knows from them whether a session ended, and how."""

    def __init__(
        self, *, ledger: FileLedger, clock: ServerClock, pacer: Pacer, tally: Tally, switch: StopSwitch
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._pacer = pacer
        self._tally = tally
        self._switch = switch

    async def record_start(self) -> None:
        """Nothing is sent before this returns.

        Raises:
            LedgerWriteError: it could not be made durable.

        """
        await self._ledger.record_durably(self._event("start"))

    async def record_stop(self) -> None:
        """Everything recorded before it is durable with it.

        Raises:
            LedgerWriteError: it could not be made durable.

        """
        await self._ledger.record_durably(self._event("stop"))

    def _event(self, action: Literal["start", "stop"]) -> SessionEvent:
        is_stop = action == "stop"
        stop, offset_s = self._switch.stop, self._clock.offset_s
        return SessionEvent(
            at=self._ledger.clock.stamp(),
            action=action,
            reason=stop.reason.value if stop is not None else ("done" if is_stop else ""),
            pid=os.getpid(),
            host=socket.gethostname(),
            batchrun=version("batchrun-wherobots"),
            organization=self._ledger.state.organization,
            server_offset_s=None if offset_s is None else round(offset_s, 3),
            # `ledger check` compares them with what the lines before this one add up to.
            totals=self._tally.totals() if is_stop else None,
            rate=rate_table(self._pacer.learned()) if is_stop else None,
        )
