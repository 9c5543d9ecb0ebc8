"""Failures grouped by reason, each with the axis values that are over-represented among its runs."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchrun.report.overrepresented import Overrepresented, PointIndex
from batchrun.report.rows import RunRow
from batchrun.report.run_label import RunGroup, group_of, label_of

__all__ = ["FailureGroup", "failure_groups", "has_failed", "reason_of"]

MAX_EXAMPLES = 3
KEY_CHARS = 500
"""What tells reasons apart is at the beginning of a message; a message may be a whole log."""
MAX_ANALYSED = 10
"""Groups whose axis values are looked at, the largest first: below the tenth, a group is a handful of runs."""

_VARIABLE = re.compile(
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b"  # UUIDs
    r"|\b(?:0x)?[0-9a-fA-F]*\d[0-9a-fA-F]*\b"  # numbers and hexadecimal ids
    r"|'[^']*'|\"[^\"]*\""  # quoted names
    r"|(?:\w+:/)?(?:/[\w.@%+=-]+)+"  # paths and URLs
    r"|\d+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Runs that failed for one reason, as far as their messages reveal it."""

    label: str
    """``FAILED``, ``TIMED_OUT``, ``gone``, ``rejected``, …"""
    code: str | None
    message: str | None
    """The most frequent message; messages that differ only in numbers, names and paths are one reason."""
    runs: int
    examples: tuple[str, ...]
    """Names of the first few runs."""
    traits: tuple[Overrepresented, ...]
    """Axis values that are over-represented among these runs, the most telling first."""
    members: tuple[RunRow, ...] = field(repr=False)
    """The runs themselves."""

    def describe(self) -> str:
        """``FAILED (RUN_FAIL_EXEC): the message``, as far as it is known."""
        code = f" ({self.code})" if self.code else ""
        return f"{self.label}{code}" + (f": {self.message}" if self.message else "")

    def json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "code": self.code,
            "message": self.message,
            "runs": self.runs,
            "examples": list(self.examples),
            "traits": [trait.json() for trait in self.traits],
        }


def has_failed(row: RunRow) -> bool:
    return group_of(row.outcome, row.status) is RunGroup.FAILED


def reason_of(row: RunRow) -> tuple[str | None, str | None]:
    """The code and the message of a failure: the run's own, or those of the refusal to create it."""
    if row.run_id is not None:
        return row.code, row.message
    return (row.trouble.code, row.trouble.message) if row.trouble is not None else (None, None)


def failure_groups(rows: Sequence[RunRow]) -> tuple[FailureGroup, ...]:
    """The failed rows by reason, the largest group first."""
    found: dict[tuple[str, str | None, str], list[RunRow]] = {}
    for row in rows:
        if has_failed(row):
            code, message = reason_of(row)
            kind = _VARIABLE.sub("…", (message or "")[:KEY_CHARS])
            found.setdefault((label_of(row.outcome, row.status), code, kind), []).append(row)
    largest = sorted(found.items(), key=lambda item: -len(item[1]))
    # Among runs that ended: any other may still fail, and would make its values look safe.
    index = PointIndex(row for row in rows if group_of(row.outcome, row.status).has_ended) if largest else None
    return tuple(
        _group(label, code, failed, index if number < MAX_ANALYSED else None)
        for number, ((label, code, _), failed) in enumerate(largest)
    )


def _group(label: str, code: str | None, failed: list[RunRow], index: PointIndex | None) -> FailureGroup:
    return FailureGroup(
        label=label,
        code=code,
        message=_most_frequent(reason_of(row)[1] for row in failed),
        runs=len(failed),
        examples=tuple(row.name for row in failed[:MAX_EXAMPLES]),
        traits=index.overrepresented(failed) if index is not None else (),
        members=tuple(failed),
    )


def _most_frequent(messages: Iterable[str | None]) -> str | None:
    return Counter(messages).most_common(1)[0][0]
