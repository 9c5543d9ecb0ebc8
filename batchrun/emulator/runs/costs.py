"""What a run costs: spatial units by runtime and time, and their price. Pure, and exact to the last decimal."""

from dataclasses import dataclass
from decimal import Decimal

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.usage import WorkloadCostStatus

__all__ = ["Usage", "units_per_hour", "usage_of"]

# The service publishes only the first two (as maxima); the rest are made up, growing with the size.
UNITS_PER_HOUR = {
    "micro": 1,
    "tiny": 5,
    "small": 10,
    "medium": 25,
    "large": 50,
    "x-large": 100,
    "2x-large": 200,
    "4x-large": 400,
}
_HOUR_S = 3600
_LAST_DECIMAL = Decimal("0.000001")
# While it settles, a cost lacks what the billing system has not counted yet.
_COUNTED_WHILE_SETTLING = Decimal("0.95")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Spatial units and US dollars so far; ``settled_at`` in epoch seconds once the cost is final."""

    units: Decimal
    cost: Decimal
    status: WorkloadCostStatus
    settled_at: float | None = None


def units_per_hour(runtime: str) -> int:
    """Spatial units an hour; variants such as ``-himem`` cost the same as their size."""
    name = runtime.lower().replace("xxlarge", "2x-large").replace("xlarge", "x-large")
    for size in sorted(UNITS_PER_HOUR, key=len, reverse=True):
        if name.startswith(size):
            return UNITS_PER_HOUR[size]
    return UNITS_PER_HOUR["tiny"]


def usage_of(run: StoredRun, settings: EmulatorSettings, now: float) -> Usage:
    """The usage that the billing system knows at ``now``; ``speed`` does not make a run cheaper."""
    if not run.status_at(now).is_final or run.ended_at is None:
        return _usage(run, settings, now, WorkloadCostStatus.LIVE)
    settled_at = run.ended_at + settings.billing_delay_s / settings.speed
    if now < settled_at:
        return _usage(run, settings, run.ended_at, WorkloadCostStatus.SETTLING, share=_COUNTED_WHILE_SETTLING)
    return _usage(run, settings, run.ended_at, WorkloadCostStatus.FINAL, settled_at=settled_at)


def _usage(
    run: StoredRun,
    settings: EmulatorSettings,
    until: float,
    status: WorkloadCostStatus,
    *,
    share: Decimal = Decimal(1),
    settled_at: float | None = None,
) -> Usage:
    elapsed_s = 0.0 if run.started_at is None else max(0.0, until - run.started_at) * settings.speed
    # Milliseconds are beyond doubt; below them a float of epoch seconds is noise.
    exact_s = Decimal(f"{elapsed_s:.3f}")
    units = (units_per_hour(run.runtime) * exact_s * share / _HOUR_S).quantize(_LAST_DECIMAL)
    cost = (units * settings.usd_per_unit).quantize(_LAST_DECIMAL)
    return Usage(units=units, cost=cost, status=status, settled_at=settled_at)
