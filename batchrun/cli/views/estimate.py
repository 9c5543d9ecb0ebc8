"""An estimate of spatial units, as a table and as a sentence."""

from batchrun.cli.output import Output, Table
from batchrun.cli.text import numbered
from batchrun.report.estimate import Estimate, RuntimeEstimate

__all__ = ["estimate_sentence", "reruns_line", "show_estimate", "units_limit_line"]

ROUNDING = 1e-9
"""The share by which sums of hours and units may be off."""


def show_estimate(estimate: Estimate, output: Output, *, stop_at_units: float | None = None) -> None:
    """A row for each runtime, then the sum, and what the limit means for it."""
    head = ("runtime", "runs", "hours", "units/hour", "spatial units")
    rows = tuple(_row(one) for one in estimate.runtimes)
    output.table(Table(head=head, rows=rows, right=frozenset(head[1:])))
    output.say(estimate_sentence(estimate))
    if (line := units_limit_line(stop_at_units, estimate)) is not None:
        output.say(line)


def estimate_sentence(estimate: Estimate) -> str:
    """The sum in words, with what it rests on and what it leaves out."""
    unknown = ", ".join(estimate.unknown)
    if len(estimate.unknown) == len(estimate.runtimes):
        return f"no estimate: the spatial units of {unknown} are not published; batchrun plan --online asks the service"
    units = _range(estimate.units_low, estimate.units_high)
    price = estimate.usd_per_unit
    money = "" if price is None else f", USD {_range(estimate.units_low * price, estimate.units_high * price)}"
    left_out = f"; excluding {unknown}, whose units are not known" if unknown else ""
    return f"estimate: {units} spatial units{money}, {_basis(estimate)}{left_out}"


def reruns_line(reruns: int, estimate: Estimate) -> str | None:
    """What running failed runs again may add to an estimate; None where nothing is rerun."""
    if not reruns:
        return None
    each = "once" if reruns == 1 else f"{reruns} times"
    if len(estimate.unknown) == len(estimate.runtimes):
        return f"runs that fail are rerun up to {each} each"
    most = _number((1 + reruns) * estimate.units_high)
    return f"runs that fail are rerun up to {each} each: at most {most} spatial units if every run fails each time"


def units_limit_line(limit: float | None, estimate: Estimate, reruns: int = 0) -> str | None:
    """What ``stop_at_units`` means for a plan whose failed runs are rerun this many times; None where it is not set."""
    if limit is None:
        return None
    head, high = f"stop_at_units is {_number(limit)}", (1 + reruns) * estimate.units_high
    if estimate.unknown:
        unknown = ", ".join(estimate.unknown)
        return f"{head}: submit asks the service for the units per hour of {unknown}, and refuses to start without them"
    if high <= limit * (1 + ROUNDING):
        return f"{head}: every run of the plan fits"
    return f"{head}, but the plan may use up to {_number(high)}: submit may stop (resumable) before the last run"


def _basis(estimate: Estimate) -> str:
    """What the hours rest on, and every run that is estimated in another way than the others."""
    earlier = estimate.earlier
    if earlier is None:
        return "if every run uses its full timeout"
    based = [one for one in estimate.runtimes if one.based_on is not None]
    # Runtimes without finished runs of their own share those of all: they are counted once.
    count = sum(found.runs for found in {id(one.based_on): one.based_on for one in based if one.based_on}.values())
    place = " of the emulator, whose durations are simulated" if earlier.is_emulated else ""
    parts = [f"from the median and 95th percentile of {numbered(count, 'finished run')}{_axes(based)}{place}"]
    if None in earlier.durations:
        parts.append("their runtimes are not known, because their plan cannot be rebuilt")
    timed = ", ".join(one.runtime for one in estimate.runtimes if one.based_on is None)
    if timed:
        parts.append(f"{timed} by timeout, because fewer than three finished runs used it")
    if others := sum(one.other_values for one in estimate.runtimes):
        parts.append(f"{numbered(others, 'run')} with new axis values estimated from all of these")
    return "; ".join(parts)


def _axes(based: list[RuntimeEstimate]) -> str:
    """`` by size``, or with several runtimes `` (tiny by size, medium)``."""
    by = [f" by {one.based_on.axis}" if one.based_on and one.based_on.axis else "" for one in based]
    if len(based) == 1 or not any(by):
        return by[0]
    return f" ({', '.join(one.runtime + axis for one, axis in zip(based, by, strict=True))})"


def _row(one: RuntimeEstimate) -> tuple[str, ...]:
    per_hour = "?" if one.units is None else _range(one.units.low, one.units.high)
    units = "?" if one.units_low is None or one.units_high is None else _range(one.units_low, one.units_high)
    return one.runtime, f"{one.runs:,}", _range(one.hours.low, one.hours.high), per_hour, units


def _range(low: float, high: float) -> str:
    return _number(high) if _number(low) == _number(high) else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    """Three digits are more than such an estimate is worth; whole numbers above that."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits are enough
