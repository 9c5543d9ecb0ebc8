"""What a session learned about the rate limit, from the ledger and back into it."""

import math

from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.pacing.search_values import Learned
from batchrun.engine.settings import SubmitSettings
from batchrun.ledger.events import RateEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import BatchState
from batchrun.wherobots.client import RunsClient

__all__ = ["RateKeeper", "pacer_for", "rate_table"]

KEEP_EVERY_S = 3.0
"""Seconds between two events, at least: a search changes its rate several times a second at first."""
WORTH_KEEPING = 0.01
"""Share by which the rate must have changed: as near as the search keeps to a limit that it knows."""
STEADY, STEADY_FOR_S = 0.05, 1.0
"""Share within which the rate must have stayed for so many seconds: a guess that is off costs a successor more than none."""


def pacer_for(client: RunsClient, settings: SubmitSettings, state: BatchState) -> Pacer:
    """A pacer that starts from what the last session learned, and hears of every reading call that is refused."""
    pacer = Pacer(rate=settings.rate, burst=settings.burst, learned=_learned(state.rate), read_rate=settings.read_rate)
    client.on_refused = pacer.read_refused
    return pacer


class RateKeeper:
    """Writes the learned rate into the ledger as it is learned: a session that is killed leaves it to its successor."""

    def __init__(self, ledger: FileLedger, pacer: Pacer) -> None:
        self._ledger = ledger
        self._pacer = pacer
        self._kept = self._latest = pacer.learned()
        self._steady_since_s = self._kept_at_s = -math.inf

    def keep(self, now: float) -> None:
        """Record the rate if it changed and is steady, at most once every few seconds; call it often."""
        learned = self._pacer.learned()
        if learned is None or _differ(self._latest, learned, STEADY):
            self._latest, self._steady_since_s = learned, now
        if learned is None or not _differ(self._kept, learned, WORTH_KEEPING):
            return
        if now - self._steady_since_s >= STEADY_FOR_S and now - self._kept_at_s >= KEEP_EVERY_S:
            self._kept, self._kept_at_s = learned, now
            rate = round(learned.rate_per_s, 3)
            self._ledger.record(RateEvent(at=self._ledger.clock.stamp(), rate_per_s=rate, window_s=learned.window_s))


def _differ(before: Learned | None, after: Learned, share: float) -> bool:
    if before is None or before.window_s != after.window_s:
        return True
    return abs(after.rate_per_s / before.rate_per_s - 1.0) >= share


def rate_table(learned: Learned | None) -> dict[str, float | None] | None:
    """As the event of a session's end holds it."""
    return None if learned is None else {"rate_per_s": round(learned.rate_per_s, 3), "window_s": learned.window_s}


def _learned(table: dict[str, float | None] | None) -> Learned | None:
    rate = (table or {}).get("rate_per_s")
    return Learned(rate_per_s=rate, window_s=(table or {}).get("window_s")) if rate else None
