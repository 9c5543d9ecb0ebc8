"""Metrics of a run: spatial units, cost, CPU and memory. Pure."""

import math

from batchrun.emulator.runs.costs import usage_of
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.usage import (
    DataFormat,
    DataValue,
    InstantDetails,
    InstantMetric,
    RunMetricsResponse,
    SeriesDetails,
    SeriesMetric,
    WorkloadCostStatus,
    WorkloadMetric,
)

__all__ = ["metrics_of"]

SERIES_POINTS = 30


def metrics_of(run: StoredRun, settings: EmulatorSettings, now: float) -> RunMetricsResponse:
    """Usage until ``now``. The cost is null until the run has been billed."""
    end = now if run.ended_at is None else min(now, run.ended_at)
    began = run.started_at if run.started_at is not None and run.started_at <= end else None
    usage = usage_of(run, settings, now)
    cost = float(usage.cost) if usage.status is WorkloadCostStatus.FINAL else None
    return RunMetricsResponse(
        series_metrics={
            WorkloadMetric.CPU_UTILIZATION_PERCENT: _series("CPU utilization", began, end, middle=60.0),
            WorkloadMetric.MEMORY_UTILIZATION_PERCENT: _series("Memory utilization", began, end, middle=45.0),
        },
        instant_metrics={
            WorkloadMetric.COST_USD: _instant("Cost", cost, end, DataFormat.CURRENCY),
            WorkloadMetric.CONSUMED_SPATIAL_UNITS: _instant(
                "Spatial units", float(usage.units), end, DataFormat.NUMBER
            ),
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
    return SeriesDetails(display_name=title, metric=SeriesMetric(data=data, format=DataFormat.PERCENTAGE))
