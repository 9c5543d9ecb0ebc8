"""What a plan may use, as a range of spatial units. Nothing is guessed: what is not known is left out, and named.

A run is billed in spatial units, by the minute; how many an hour depends on its runtime. The upper bound of its hours is
its timeout. An earlier batch narrows that down: its finished runs show how long such runs take.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from batchrun.report.rows import RunRow
from batchrun.sweep.plan import Demand

__all__ = [
    "PUBLISHED_UNITS",
    "Durations",
    "Estimate",
    "RuntimeEstimate",
    "UnitsPerHour",
    "durations_of",
    "estimate",
]

HOUR_S = 3600.0
MIN_RUNS = 3
"""Finished runs that a percentile needs: of two, one is an outlier and nobody knows which."""
EXPLAINS = 0.5
"""An axis predicts durations if it explains at least half of their variance; otherwise all finished runs do."""
LATE = 0.95


@dataclass(frozen=True, slots=True)
class UnitsPerHour:
    """What a runtime uses, in spatial units an hour. ``low`` is 0 where only a maximum is known."""

    low: float
    high: float


PUBLISHED_UNITS: Mapping[str, UnitsPerHour] = {"micro": UnitsPerHour(0, 1), "tiny": UnitsPerHour(0, 5)}
"""Maxima that the service publishes (November 2026). Those of larger runtimes are known only with a key."""


@dataclass(frozen=True, slots=True)
class Hours:
    """How long one run takes, in hours."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long the finished runs of an earlier batch took: median and 95th percentile."""

    runs: int
    axis: str | None
    """The axis by whose values they differ most; None if no axis explains much."""
    overall: Hours
    by_value: Mapping[str, Hours]
    """Only for values with enough finished runs."""

    def of(self, point: Mapping[str, Any]) -> Hours:
        """For a planned run with this point."""
        if self.axis is None or self.axis not in point:
            return self.overall
        return self.by_value.get(_text(point[self.axis]), self.overall)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEstimate:
    """The runs of one runtime. Hours and units are sums over them; ``units`` is None if the runtime's are not known."""

    runtime: str
    runs: int
    hours: Hours
    units: UnitsPerHour | None
    units_low: float | None
    units_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a plan may use. Sums cover only runtimes whose units are known."""

    runtimes: tuple[RuntimeEstimate, ...]
    units_low: float
    units_high: float
    unknown: tuple[str, ...]
    """Runtimes of the plan about whose units nothing is known."""
    usd_per_unit: float | None = None
    based_on: Durations | None = None
    """The finished runs that the hours come from; None if they are the timeouts, an upper bound."""

    def json(self) -> dict[str, Any]:
        return {
            "runtimes": [
                {
                    "runtime": one.runtime,
                    "runs": one.runs,
                    "hours": [round(one.hours.low, 3), round(one.hours.high, 3)],
                    "units_per_hour": None if one.units is None else [one.units.low, one.units.high],
                    "units": None if one.units_low is None else [one.units_low, one.units_high],
                }
                for one in self.runtimes
            ],
            "units": [self.units_low, self.units_high],
            "unknown_runtimes": list(self.unknown),
            "usd": None
            if self.usd_per_unit is None
            else [self.units_low * self.usd_per_unit, self.units_high * self.usd_per_unit],
            "hours_from": "timeouts" if self.based_on is None else "finished runs",
            "finished_runs": 0 if self.based_on is None else self.based_on.runs,
            "by_axis": None if self.based_on is None else self.based_on.axis,
        }


def estimate(
    demands: Sequence[Demand],
    units: Mapping[str, UnitsPerHour],
    *,
    usd_per_unit: float | None = None,
    durations: Durations | None = None,
    points: Iterable[tuple[str, int, Mapping[str, Any]]] = (),
) -> Estimate:
    """The range of a plan, each run by its own runtime.

    Without ``durations`` the hours are the timeouts of ``demands``. With them, ``points`` gives every planned run as its
    runtime, its timeout in seconds and its point; no run takes longer than its timeout.
    """
    hours: dict[str, tuple[int, float, float]] = {}
    if durations is None:
        for demand in demands:
            runs, low, high = hours.get(demand.runtime, (0, 0.0, 0.0))
            whole = demand.runs * demand.timeout_s / HOUR_S
            hours[demand.runtime] = runs + demand.runs, low + whole, high + whole
    else:
        for runtime, timeout_s, point in points:
            runs, low, high = hours.get(runtime, (0, 0.0, 0.0))
            one, most = durations.of(point), timeout_s / HOUR_S
            hours[runtime] = runs + 1, low + min(one.low, most), high + min(one.high, most)
    runtimes = tuple(
        _of_runtime(runtime, runs, Hours(low, high), units.get(runtime))
        for runtime, (runs, low, high) in sorted(hours.items())
    )
    return Estimate(
        runtimes=runtimes,
        units_low=sum(one.units_low or 0.0 for one in runtimes),
        units_high=sum(one.units_high or 0.0 for one in runtimes),
        unknown=tuple(one.runtime for one in runtimes if one.units is None),
        usd_per_unit=usd_per_unit,
        based_on=durations,
    )


def _of_runtime(runtime: str, runs: int, hours: Hours, units: UnitsPerHour | None) -> RuntimeEstimate:
    return RuntimeEstimate(
        runtime=runtime,
        runs=runs,
        hours=hours,
        units=units,
        units_low=None if units is None else hours.low * units.low,
        units_high=None if units is None else hours.high * units.high,
    )


def durations_of(rows: Iterable[RunRow]) -> Durations | None:
    """How long finished runs took; None if fewer than three completed."""
    finished = [(row.point, row.ran_s) for row in rows if row.status == "COMPLETED" and row.ran_s is not None]
    if len(finished) < MIN_RUNS:
        return None
    seconds = [ran_s for _, ran_s in finished]
    axis, groups = _best_axis(finished)
    return Durations(
        runs=len(finished),
        axis=axis,
        overall=_hours(seconds),
        by_value={value: _hours(group) for value, group in groups.items() if len(group) >= MIN_RUNS},
    )


def _best_axis(finished: list[tuple[dict[str, Any], float]]) -> tuple[str | None, dict[str, list[float]]]:
    """The axis that explains most of the durations' variance, with the durations by its values."""
    best: tuple[float, str | None, dict[str, list[float]]] = (EXPLAINS, None, {})
    for axis in finished[0][0]:
        groups: defaultdict[str, list[float]] = defaultdict(list)
        for point, ran_s in finished:
            if axis in point:
                groups[_text(point[axis])].append(ran_s)
        # Values that occur once or twice "explain" everything and predict nothing.
        if sum(len(group) >= MIN_RUNS for group in groups.values()) > 1 and (share := _explained(groups)) > best[0]:
            best = share, axis, dict(groups)
    return best[1], best[2]


def _explained(groups: Mapping[str, list[float]]) -> float:
    """The share of the variance that is between the groups (eta squared), from 0 to 1."""
    values = [value for group in groups.values() for value in group]
    mean = fmean(values)
    total = sum((value - mean) ** 2 for value in values)
    between = sum(len(group) * (fmean(group) - mean) ** 2 for group in groups.values())
    return between / total if total else 0.0


def _hours(seconds: list[float]) -> Hours:
    ordered = sorted(seconds)
    late = ordered[min(len(ordered) - 1, int(LATE * len(ordered)))]
    return Hours(median(ordered) / HOUR_S, late / HOUR_S)


def _text(value: object) -> str:
    return str(value)
