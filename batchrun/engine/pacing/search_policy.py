"""How the search for the rate limit starts and reacts."""

from dataclasses import dataclass

from batchrun.engine.pacing.quota_window import DEFAULT_PROBES, ProbePolicy
from batchrun.engine.pacing.rate_control import DEFAULT_RATE_POLICY, RatePolicy
from batchrun.engine.pacing.start import DEFAULT_START, StartPolicy

__all__ = ["DEFAULT_SEARCH", "SearchPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPolicy:
    """README.md has where each value comes from."""

    catch_up_s: float = 0.02
    """Seconds a start may be late without losing its place: covers a late timer, not a stall that would burst."""
    echo_s: float = 0.3
    """Seconds after a cut in which requests are sent that do not cut again: a closed window refuses any rate.

    The closer the service, the more refusals arrive before the window can reset.
    """
    closed_after: int = 3
    """Refusals of consecutive requests that close the window: at a rate only a little too high, some succeed in between."""
    longest_pause_s: float = 3600.0
    """Seconds of a ``Retry-After`` that are honored at most: the longest window that people configure."""
    longest_verify_s: float = 30.0
    """Seconds a rate within a long window must hold at most: a quarter of an hour per step would never end."""
    paused_cut: float = 0.4
    """Share of the rate that remains if the first refusal asks for a pause: each refusal more would cost another one.

    The rate doubles while a refusal is on its way, so it is up to twice the limit of a service without a burst.
    """
    start: StartPolicy = DEFAULT_START
    controller: RatePolicy = DEFAULT_RATE_POLICY
    probes: ProbePolicy = DEFAULT_PROBES


DEFAULT_SEARCH = SearchPolicy()
