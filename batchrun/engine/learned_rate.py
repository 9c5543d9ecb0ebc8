"""The learned rate limit: read from the ledger at the start, and written back as it changes."""

from dataclasses import asdict

from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.pacing.search_values import Learned
from batchrun.engine.settings import SubmitSettings
from batchrun.ledger.events import RateEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import BatchState
from batchrun.wherobots.client import RunsClient

__all__ = ["RateRecorder", "pacer_for", "rate_table"]

KEEP_EVERY_S = 3.0
"""Seconds between two events, at least: a search changes its rate several times a second at first."""
WORTH_KEEPING = 0.01
"""Share by which the rate must have changed: as near as the search keeps to a limit that it knows."""


def pacer_for(client: RunsClient, settings: SubmitSettings, state: BatchState) -> Pacer:
    """A pacer that starts from what the last session learned, and hears of every read request that is refused."""
    pacer = Pacer(rate=settings.rate, burst=settings.burst, learned=_learned(state.rate), read_rate=settings.read_rate)
    # Only attempts are judged one by one: a 429 to a read request would not reach the pacer otherwise.
    client.on_refused = pacer.read_refused
    return pacer


class RateRecorder:
    """Writes the learned rate into the ledger as it is learned: a session that is killed leaves it to its successor."""

    def __init__(self, ledger: FileLedger, pacer: Pacer) -> None:
        self._ledger = ledger
        self._pacer = pacer
        self._kept = pacer.learned()
        self._next_s = 0.0

    def keep(self, now: float) -> None:
        """Record the rate if it changed, at most once every few seconds; call it often."""
        if now < self._next_s:
            return
        learned = self._pacer.learned()
        if learned is None or not _has_changed(self._kept, learned):
            return
        self._kept, self._next_s = learned, now + KEEP_EVERY_S
        self._ledger.record(RateEvent(at=self._ledger.clock.stamp(), **asdict(_rounded(learned))))


def _has_changed(kept: Learned | None, learned: Learned) -> bool:
    if kept is None or kept.window_s != learned.window_s:
        return True
    return (
        abs(learned.rate_per_s / kept.rate_per_s - 1.0) >= WORTH_KEEPING
        or abs((learned.refused_per_s or 1.0) / (kept.refused_per_s or 1.0) - 1.0) >= WORTH_KEEPING
    )


def _rounded(learned: Learned) -> Learned:
    refused = learned.refused_per_s
    return Learned(
        rate_per_s=round(learned.rate_per_s, 3),
        window_s=learned.window_s,
        refused_per_s=None if refused is None else round(refused, 3),
    )


def rate_table(learned: Learned | None) -> dict[str, float | None] | None:
    """As the event of a session's end holds it."""
    return None if learned is None else asdict(_rounded(learned))


def _learned(table: dict[str, float | None] | None) -> Learned | None:
    known = table or {}
    rate = known.get("rate_per_s")
    if not rate:  # the ledger of a session that learned nothing, or of one with a fixed rate
        return None
    return Learned(rate_per_s=rate, window_s=known.get("window_s"), refused_per_s=known.get("refused_per_s"))
