"""Select runs of a batch by name or id, status, outcome, or axis values."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from batchrun.errors import Problem, UsageError
from batchrun.ledger.state import Outcome
from batchrun.ledger.statuses import GONE
from batchrun.report.axis_values import axes_of, axis_value, checked_axes
from batchrun.report.rows import RunRow
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.manifest.source import parse_toml, split_pair
from batchrun.sweep.points.matching import compile_test
from batchrun.sweep.values import Kind, as_toml
from batchrun.wherobots.enums import RunStatus

__all__ = ["Selection", "select"]

Test = Callable[[RunRow], bool]
STATUSES = (*(status.value for status in RunStatus), GONE)
NUMBERS = (int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a person asked for; everything that is given must hold."""

    names: Sequence[str] = ()
    """Names, keys or run ids; each must be known."""
    statuses: Sequence[str] = ()
    """Statuses as the service writes them, in any case."""
    outcomes: Sequence[Outcome] = ()
    where: Sequence[str] = ()
    """``axis=test``, as for ``plan --where``; several must all hold."""
    is_exact: bool = False
    """Each name must be that of one run, and each id that of a latest one: something is done to what is named."""


def select(rows: Iterable[RunRow], selection: Selection) -> list[RunRow]:
    """The rows that fit, in their order.

    Raises:
        UsageError: a name, status or axis is unknown; all of them at once.

    """
    found, problems = list(rows), list[Problem]()
    tests: list[Test] = []
    for part in (_names_test, _status_test, _where_test):
        try:
            if (test := part(found, selection)) is not None:
                tests.append(test)
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError.of(problems)
    if selection.outcomes:
        tests.append(lambda row: row.outcome in selection.outcomes)
    return [row for row in found if all(test(row) for test in tests)]


def _names_test(rows: list[RunRow], selection: Selection) -> Test | None:
    if not selection.names:
        return None
    wanted = set(selection.names)
    known = {row.name for row in rows} | {row.key for row in rows} | {row.run_id for row in rows if row.run_id}
    earlier_ids = {earlier.run_id: row for row in rows for earlier in row.earlier}
    if unknown := [name for name in selection.names if name not in known and name not in earlier_ids]:
        names = [row.name for row in rows]
        raise UsageError.of(
            [Problem(name, "no run with this name or id in this batch", _hint(name, names)) for name in unknown]
        )
    if selection.is_exact and (problems := [*_ambiguous(rows, wanted), *_run_again(earlier_ids, wanted - known)]):
        raise UsageError.of(problems)

    def test(row: RunRow) -> bool:
        earlier = () if selection.is_exact else (one.run_id for one in row.earlier)
        return bool(wanted & {row.name, row.key, row.run_id, *earlier})

    return test


def _ambiguous(rows: list[RunRow], wanted: set[str]) -> Iterator[Problem]:
    """Names that two runs share, as where a changed sweep gives the name of a run that left it to another one."""
    of_name: dict[str, list[str]] = {}
    for row in rows:
        if row.name in wanted:
            of_name.setdefault(row.name, []).append(row.run_id or row.key)
    for name, ids in of_name.items():
        if len(ids) > 1:
            yield Problem(name, f"{len(ids)} runs of this batch have this name", f"use an id: {', '.join(ids)}")


def _run_again(earlier_ids: Mapping[str, RunRow], wanted: set[str]) -> Iterator[Problem]:
    for run_id in sorted(wanted & earlier_ids.keys()):
        row = earlier_ids[run_id]
        later = row.run_id or "which is not created yet"
        yield Problem(
            run_id, f"an earlier generation of {row.name}, which was rerun since", f"use the latest run: {later}"
        )


def _status_test(rows: list[RunRow], selection: Selection) -> Test | None:
    del rows
    if not selection.statuses:
        return None
    spelled = {status.lower(): status for status in STATUSES}
    unknown = [status for status in selection.statuses if status.lower() not in spelled]
    if unknown:
        choices = list(spelled)
        raise UsageError.of(
            [Problem("--status", f"unknown status '{one}'", _hint(one.lower(), choices)) for one in unknown]
        )
    wanted = {spelled[status.lower()] for status in selection.statuses}
    return lambda row: row.status in wanted


def _where_test(rows: list[RunRow], selection: Selection) -> Test | None:
    if not selection.where:
        return None
    axes, problems = axes_of(rows), Problems()
    tests: list[tuple[str, Callable[[Any], bool]]] = []
    for text in selection.where:
        if (pair := split_pair(text, problems.at("--where"))) is None:
            continue
        (axis,) = checked_axes([pair[0]], axes, place=f"--where {text}")
        kind = _kind(axis, rows)
        test = compile_test(_parsed(pair[1], kind), kind, problems.at(f"--where {text}"))
        if test is not None:
            tests.append((axis, test))
    problems.check()

    def matches(row: RunRow) -> bool:
        values = [(axis_value(row.point, axis), test) for axis, test in tests]
        # A run without the axis fits no test of it, not even one that begins with not.
        return all(value is not None and test(value) for value, test in values)

    return matches


def _kind(axis: str, rows: list[RunRow]) -> Kind:
    """The kind of an axis' values in the ledger, where dates are text."""
    value = next((found for row in rows if (found := axis_value(row.point, axis)) is not None), None)
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.NUMBER if isinstance(value, NUMBERS) else Kind.STRING


def _parsed(text: str, kind: Kind) -> Any:  # noqa: ANN401 - any TOML value
    literal = as_toml(text) if kind is Kind.STRING and text[:1] not in {'"', "'", "[", "{"} else text
    try:
        return _as_json(parse_toml(f"value = {literal}", "--where")["value"])
    except UsageError:
        return text  # of the wrong kind: the test says so


def _as_json(test: Any) -> Any:  # noqa: ANN401 - any TOML value
    """Dates as the text that the ledger has."""
    match test:
        case datetime() | date():
            return test.isoformat()
        case list():
            return [_as_json(one) for one in test]
        case dict():
            return {key: _as_json(value) for key, value in test.items()}
        case _:
            return test


def _hint(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else "see batchrun runs"
