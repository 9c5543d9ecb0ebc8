"""Metrics of a run: spatial units, cost, CPU and memory. Pure."""

import math
from typing import Literal

from pydantic import BaseModel

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.enums import OpenEnum

__all__ = ["RunMetricsResponse", "metrics_of", "units_per_hour"]

# The service publishes only the first two (as maxima); the rest are made up, growing with the size.
UNITS_PER_HOUR = {
    "micro": 1.0,
    "tiny": 5.0,
    "small": 10.0,
    "medium": 25.0,
    "large": 50.0,
    "x-large": 100.0,
    "2x-large": 200.0,
    "4x-large": 400.0,
}
DOLLARS_PER_UNIT = 0.75  # made up: the price of a unit is not public
SERIES_POINTS = 30


class WorkloadMetric(OpenEnum):
    """The metrics of a run."""

    CPU_UTILIZATION_PERCENT = "CPU_UTILIZATION_PERCENT"
    MEMORY_UTILIZATION_PERCENT = "MEMORY_UTILIZATION_PERCENT"
    GPU_UTILIZATION_PERCENT = "GPU_UTILIZATION_PERCENT"
    GPU_MEMORY_UTILIZATION_PERCENT = "GPU_MEMORY_UTILIZATION_PERCENT"
    COST_USD = "COST_USD"
    CONSUMED_SPATIAL_UNITS = "CONSUMED_SPATIAL_UNITS"


DataFormat = Literal["NUMBER", "PERCENTAGE", "BYTES", "CURRENCY"]


class DataValue(BaseModel):
    """A value and its time in epoch seconds."""

    value: float | None
    timestamp: int


class InstantMetric(BaseModel):
    """A single value."""

    data: DataValue
    format: DataFormat


class SeriesMetric(BaseModel):
    """A time series."""

    data: list[DataValue]
    format: DataFormat


class InstantDetails(BaseModel):
    """A single value with its display name."""

    display_name: str
    metric: InstantMetric


class SeriesDetails(BaseModel):
    """A time series with its display name."""

    display_name: str
    metric: SeriesMetric


class RunMetricsResponse(BaseModel):
    """The body of ``GET /runs/{id}/metrics``."""

    series_metrics: dict[WorkloadMetric, SeriesDetails]
    instant_metrics: dict[WorkloadMetric, InstantDetails]


def units_per_hour(runtime: str) -> float:
    """Spatial units an hour; variants such as ``-himem`` cost the same as their size."""
    name = runtime.lower().replace("xxlarge", "2x-large").replace("xlarge", "x-large")
    for size in sorted(UNITS_PER_HOUR, key=len, reverse=True):
        if name.startswith(size):
            return UNITS_PER_HOUR[size]
    return UNITS_PER_HOUR["tiny"]


def metrics_of(run: StoredRun, settings: EmulatorSettings, now: float) -> RunMetricsResponse:
    """Usage until ``now``. The cost is null until the run has been billed; ``speed`` does not make a run cheaper."""
    end = now if run.ended_at is None else min(now, run.ended_at)
    began = run.started_at if run.started_at is not None and run.started_at <= end else None
    elapsed_s = 0.0 if began is None else (end - began) * settings.speed
    units = units_per_hour(run.runtime) * elapsed_s / 3600
    is_billed = run.status_at(now).is_final and now >= end + settings.billing_delay_s / settings.speed
    cost = round(units * DOLLARS_PER_UNIT, 6) if is_billed else None
    return RunMetricsResponse(
        series_metrics={
            WorkloadMetric.CPU_UTILIZATION_PERCENT: _series("CPU utilization", began, end, middle=60.0),
            WorkloadMetric.MEMORY_UTILIZATION_PERCENT: _series("Memory utilization", began, end, middle=45.0),
        },
        instant_metrics={
            WorkloadMetric.COST_USD: _instant("Cost", cost, end, "CURRENCY"),
            WorkloadMetric.CONSUMED_SPATIAL_UNITS: _instant("Spatial units", round(units, 6), end, "NUMBER"),
        },
    )


def _instant(title: str, value: float | None, moment: float, form: DataFormat) -> InstantDetails:
    return InstantDetails(
        display_name=title, metric=InstantMetric(data=DataValue(value=value, timestamp=int(moment)), format=form)
    )


def _series(title: str, began: float | None, end: float, *, middle: float) -> SeriesDetails:
    """A sine wave around ``middle`` percent, up to ``SERIES_POINTS`` values."""
    moments = [] if began is None else [began + (end - began) * step / SERIES_POINTS for step in range(SERIES_POINTS)]
    data = [
        DataValue(value=round(middle + 20 * math.sin(step / 3), 1), timestamp=int(moment))
        for step, moment in enumerate(moments)
    ]
    return SeriesDetails(display_name=title, metric=SeriesMetric(data=data, format="PERCENTAGE"))
