"""Estimate a plan's spatial units as a range. Nothing is guessed: what is not known is left out and named.

A run is billed in spatial units, by the minute; how many an hour depends on its runtime. The upper bound of its hours is
its timeout. An earlier batch narrows that down: its finished runs show how long such runs take. How long a run takes
depends on its runtime too, so those of one runtime say nothing of another.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from batchrun.report.spans import quantiles
from batchrun.sweep.plan import Demand
from batchrun.wherobots.units import UnitsPerHour

if TYPE_CHECKING:
    from batchrun.report.rows import RunRow

__all__ = [
    "Durations",
    "Earlier",
    "Estimate",
    "RuntimeEstimate",
    "durations_by_runtime",
    "estimate",
]

HOUR_S = 3600.0
NO_POINT: Mapping[str, Any] = MappingProxyType({})
MIN_RUNS = 3
"""Finished runs that a percentile needs: of two, one is an outlier and nobody knows which."""
EXPLAINS = 0.5
"""An axis predicts durations if it explains more than half of their variance; otherwise all finished runs do."""


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

    def of(self, point: Mapping[str, Any]) -> Hours | None:
        """For a planned run with this point; None if no finished run had its value of the axis."""
        return self.overall if self.axis is None else self.by_value.get(_text(point.get(self.axis)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The finished runs of an earlier batch."""

    durations: Mapping[str | None, Durations]
    """By runtime. None stands for all runs, if the ledger's plans reveal no run's runtime."""
    is_emulated: bool = False
    """They ran in the emulator, which makes durations up."""

    def of(self, runtime: str) -> Durations | None:
        """Of runs with this runtime; None if too few finished."""
        return self.durations.get(runtime, self.durations.get(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEstimate:
    """The runs of one runtime. Hours and units are sums over them; ``units`` is None if the runtime's are not known."""

    runtime: str
    runs: int
    hours: Hours
    units: UnitsPerHour | None
    units_low: float | None
    units_high: float | None
    based_on: Durations | None = None
    """The finished runs that the hours come from; None if they are the timeouts, an upper bound."""
    other_values: int = 0
    """Runs with a value of the axis that no finished run had: they are estimated as the finished runs altogether."""

    def json(self) -> dict[str, Any]:
        return {
            "runtime": self.runtime,
            "runs": self.runs,
            "hours": [round(self.hours.low, 6), round(self.hours.high, 6)],
            "units_per_hour": None if self.units is None else [self.units.low, self.units.high],
            "units": None if self.units_low is None else [self.units_low, self.units_high],
            "hours_from": "timeouts" if self.based_on is None else "finished runs",
            "finished_runs": 0 if self.based_on is None else self.based_on.runs,
            "by_axis": None if self.based_on is None else self.based_on.axis,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a plan may use. Sums cover only runtimes whose units are known."""

    runtimes: tuple[RuntimeEstimate, ...]
    units_low: float
    units_high: float
    unknown: tuple[str, ...]
    """Runtimes of the plan about whose units nothing is known."""
    usd_per_unit: float | None = None
    earlier: Earlier | None = None

    def json(self) -> dict[str, Any]:
        price = self.usd_per_unit
        return {
            "runtimes": [one.json() for one in self.runtimes],
            "units": [self.units_low, self.units_high],
            "unknown_runtimes": list(self.unknown),
            "usd": None if price is None else [self.units_low * price, self.units_high * price],
            "runtimes_compared": self.earlier is not None and None not in self.earlier.durations,
            "emulated": self.earlier is not None and self.earlier.is_emulated,
        }


def estimate(
    demands: Sequence[Demand],
    units: Mapping[str, UnitsPerHour],
    *,
    usd_per_unit: float | None = None,
    earlier: Earlier | None = None,
    points: Iterable[tuple[str, int, Mapping[str, Any]]] = (),
) -> Estimate:
    """The range of a plan, each run by its own runtime.

    Without ``earlier`` the hours are the timeouts of ``demands``. With it, ``points`` gives every planned run as its
    runtime, its timeout in seconds and its point; no run takes longer than its timeout.
    """
    sums: defaultdict[str, _Sum] = defaultdict(_Sum)
    if earlier is None:
        for demand in demands:
            sums[demand.runtime].add(demand.timeout_s / HOUR_S, runs=demand.runs)
    else:
        for runtime, timeout_s, point in points:
            sums[runtime].add(timeout_s / HOUR_S, durations=earlier.of(runtime), point=point)
    runtimes = tuple(sums[runtime].estimate(runtime, units.get(runtime)) for runtime in sorted(sums))
    return Estimate(
        runtimes=runtimes,
        units_low=sum(one.units_low or 0.0 for one in runtimes),
        units_high=sum(one.units_high or 0.0 for one in runtimes),
        unknown=tuple(one.runtime for one in runtimes if one.units is None),
        usd_per_unit=usd_per_unit,
        earlier=earlier,
    )


@dataclass(slots=True)
class _Sum:
    """What the runs of one runtime add up to."""

    runs: int = 0
    low: float = 0.0
    high: float = 0.0
    other_values: int = 0
    durations: Durations | None = None

    def add(
        self, most: float, *, runs: int = 1, durations: Durations | None = None, point: Mapping[str, Any] = NO_POINT
    ) -> None:
        """Add runs that may take ``most`` hours each."""
        hours = Hours(most, most)
        if durations is not None:
            # A value that no finished run had: estimated as all of them together, and counted, so that people know.
            found = durations.of(point)
            self.other_values += found is None
            hours = found or durations.overall
        self.runs += runs
        self.low += runs * min(hours.low, most)
        self.high += runs * min(hours.high, most)
        self.durations = durations

    def estimate(self, runtime: str, units: UnitsPerHour | None) -> RuntimeEstimate:
        return RuntimeEstimate(
            runtime=runtime,
            runs=self.runs,
            hours=Hours(self.low, self.high),
            units=units,
            units_low=None if units is None else self.low * units.low,
            units_high=None if units is None else self.high * units.high,
            based_on=self.durations,
            other_values=self.other_values,
        )


def durations_by_runtime(
    rows: Iterable["RunRow"], runtimes: Mapping[str, str], axes: Collection[str]
) -> dict[str | None, Durations]:
    """How long finished runs took, by runtime; only of runtimes with three or more of them.

    ``runtimes`` gives each run's runtime by its key. Where it knows none of them, the durations of all are under None.
    ``axes`` are those of the plan to be estimated: what no planned run has predicts nothing.
    """
    groups: defaultdict[str | None, list[_Finished]] = defaultdict(list)
    for row in rows:
        if row.status == "COMPLETED" and row.ran_s is not None:
            groups[runtimes.get(row.key)].append((row.point, row.ran_s))
    if len(groups) > 1:
        groups.pop(None, None)  # runs of unknown runtimes say nothing where others do
    return {runtime: _durations(group, axes) for runtime, group in groups.items() if len(group) >= MIN_RUNS}


_Finished = tuple[dict[str, Any], float]


def _durations(finished: Sequence[_Finished], axes: Collection[str]) -> Durations:
    best: tuple[float, str | None, dict[str, list[float]]] = (EXPLAINS, None, {})
    for axis in axes:
        groups = _groups(finished, axis)
        # The axis that explains most, and only one: with two, most cells would hold fewer runs than a percentile needs.
        if len(groups) > 1 and (share := _explained(groups)) > best[0]:
            best = share, axis, groups
    return Durations(
        runs=len(finished),
        axis=best[1],
        overall=_hours([ran_s for _, ran_s in finished]),
        by_value={value: _hours(group) for value, group in best[2].items()},
    )


def _groups(finished: Sequence[_Finished], axis: str) -> dict[str, list[float]]:
    """Durations by the values of an axis that have enough of them: one that occurs once explains itself, and predicts nothing."""
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for point, ran_s in finished:
        if axis in point:
            groups[_text(point[axis])].append(ran_s)
    return {value: group for value, group in groups.items() if len(group) >= MIN_RUNS}


def _explained(groups: Mapping[str, list[float]]) -> float:
    """The share of the variance that is between the groups, at most 1.

    Epsilon squared rather than eta squared: many small groups seem to explain much of any noise, and it takes that off.
    """
    values = [value for group in groups.values() for value in group]
    mean = fmean(values)
    total = sum((value - mean) ** 2 for value in values)
    between = sum(len(group) * (fmean(group) - mean) ** 2 for group in groups.values())
    if not total:
        return 0.0
    return 1 - (total - between) / total * (len(values) - 1) / (len(values) - len(groups))


def _hours(seconds: Iterable[float]) -> Hours:
    found = quantiles(seconds)
    return Hours(0, 0) if found is None else Hours(found.median / HOUR_S, found.p95 / HOUR_S)


def _text(value: object) -> str:
    return str(value)
