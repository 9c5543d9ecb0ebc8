"""What a session learned about the rate limit, from the ledger and back into it."""

from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.pacing.search_values import Learned
from batchrun.engine.settings import SubmitSettings
from batchrun.ledger.state import BatchState
from batchrun.wherobots.client import RunsClient

__all__ = ["pacer_for", "rate_table"]


def pacer_for(client: RunsClient, settings: SubmitSettings, state: BatchState) -> Pacer:
    """A pacer that starts from what the last session learned, and hears of every reading call that is refused."""
    pacer = Pacer(rate=settings.rate, burst=settings.burst, learned=_learned(state.rate), read_rate=settings.read_rate)
    client.on_refused = pacer.read_refused
    return pacer


def rate_table(learned: Learned | None) -> dict[str, float | None] | None:
    """As the event of a session's end holds it."""
    return None if learned is None else {"rate_per_s": round(learned.rate_per_s, 3), "window_s": learned.window_s}


def _learned(table: dict[str, float | None] | None) -> Learned | None:
    rate = (table or {}).get("rate_per_s")
    return Learned(rate_per_s=rate, window_s=(table or {}).get("window_s")) if rate else None
