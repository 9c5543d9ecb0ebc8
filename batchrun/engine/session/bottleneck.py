"""What is currently limiting a batch, in words and figures. Pure."""

import math
from dataclasses import dataclass, replace

from batchrun.engine.pacing.pacer import FAILING, Pace
from batchrun.engine.sending.active_runs import HeldBy

__all__ = ["Load", "bottleneck"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What limits a batch besides the rate."""

    in_flight: int
    concurrency: int
    has_begun: bool = True
    """Something has been sent; before, the service is asked what it already has."""
    active: int | None = None
    held_by: HeldBy | None = None
    next_probe_s: float | None = None
    last_failure: str = ""


def bottleneck(pace: Pace, load: Load) -> Pace:
    """Pacing's own words, unless something else holds the batch; then the rate that it would allow is not shown.

    Whoever waits for a permit is held by pacing, and by nothing else.
    """
    if not load.has_begun:
        pace = replace(pace, limit_per_s=None, description="checking the service")
    if pace.pause_s is not None:
        is_failing = pace.pause_reason == FAILING and load.last_failure
        return replace(pace, pause_reason=load.last_failure) if is_failing else pace
    if load.held_by is not None:
        words = f"held at {load.active or 0:,} active: {load.held_by.value}"
        if load.next_probe_s:
            words += f", next attempt in {math.ceil(load.next_probe_s)} s"
        return replace(pace, limit_per_s=None, description=words)
    if pace.in_flight_limit is not None:
        words = f"held at {pace.in_flight_limit:,} in flight: more would only increase latency"
        return replace(pace, limit_per_s=None, description=words)
    if not pace.is_waited_for and load.in_flight >= load.concurrency:
        return replace(pace, limit_per_s=None, description=f"held at {load.in_flight:,} in flight: concurrency")
    return pace
