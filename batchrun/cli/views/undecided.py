"""Undecided runs, and the runs that the service holds under their names."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from batchrun.cli.output import Output, Table
from batchrun.cli.text import numbered
from batchrun.engine.evidence import Fit
from batchrun.engine.listing.held import HeldRun
from batchrun.engine.reconciling.undecided import UndecidedRun
from batchrun.errors import Problem
from batchrun.ledger.clock import epoch_seconds, timestamp
from batchrun.wherobots.identity import PayloadDifference

__all__ = ["held_json", "payload_words", "run_json", "show_undecided", "shown_time"]

MOST_ROWS = 50
"""Rows that are shown: with more of them, the counts below the table say what a person needs."""
WIDEST_VALUE = 40
SHOWN_DIFFERENCES = 2


def show_undecided(runs: Sequence[UndecidedRun], output: Output) -> None:
    """A row for each run that the service holds, what that comes to, and what may be missing."""
    names = Counter(run.name for run in runs)
    rows = [row for run in runs for row in _rows(run, is_alone=names[run.name] == 1)]
    head = ("name", "outcome", "sent", "at the service", "status", "created", "payload")
    output.table(Table(head=head, rows=tuple(rows[:MOST_ROWS]), right=frozenset({"sent"})))
    if len(rows) > MOST_ROWS:
        output.say(f"... and {len(rows) - MOST_ROWS:,} more; --json lists all")
    if len(runs) > 1:
        output.say(f"{numbered(len(runs), 'run')}: {'; '.join(_sums(runs))}")
    for doubt, count in Counter(run.doubt for run in runs if run.doubt).items():
        output.warn(Problem(numbered(count, "run"), f"the runs shown may be incomplete: {doubt}"))


def _rows(run: UndecidedRun, *, is_alone: bool) -> Iterator[tuple[str, ...]]:
    """Where two keys have one name, the key is shown as well."""
    name = (run.name or run.key) if is_alone else f"{run.name} ({run.key})"
    mine = (name, run.outcome.value, f"{run.n:,}")
    if not run.held:
        yield (*mine, "not known" if run.doubt else "nothing", "", "", "")
    for held in run.held:
        yield (*mine, held.run_id, held.status or "", shown_time(held), payload_words(held))
        # Said once: further rows are about the same run.
        mine = ("", "", "")


def shown_time(held: HeldRun) -> str:
    """When a run was created, to the second; an unparseable time is shown as is."""
    seconds = epoch_seconds(held.create_time or "")
    return timestamp(seconds)[:19].replace("T", " ") if seconds else held.create_time or ""


def _sums(runs: Iterable[UndecidedRun]) -> Iterator[str]:
    counts = Counter(_kind(run) for run in runs)
    return (f"{count:,} {kind}" for kind, count in counts.most_common())


def _kind(run: UndecidedRun) -> str:
    if not run.held:
        return "that could not be listed" if run.doubt else "not at the service"
    if len(run.held) > 1:
        return "with several runs at the service"
    return f"with a run at the service whose payload {payload_words(run.held[0], brief=True)}"


def payload_words(held: HeldRun, *, brief: bool = False) -> str:
    """How a held run relates to the planned one."""
    if held.holder is not None:
        return "belongs to another planned run" if brief else f"the run of {held.holder_name or held.holder}"
    if held.is_foreign:
        return "belongs to another batch" if brief else "another batch's, as recorded"
    if held.fit is Fit.FOREIGN:
        return "was created earlier" if brief else "created before this run was first sent"
    if held.differences:
        return "differs" if brief else f"differs: {'; '.join(map(_difference, held.differences[:SHOWN_DIFFERENCES]))}"
    if not held.is_compared:
        return "was not compared" if brief else "not compared"
    return "matches" if held.fit is Fit.OURS else "is ambiguous"


def _difference(one: PayloadDifference) -> str:
    if _is_secret(one):
        return one.path
    return f"{one.path} is {_value(one.answered)}, planned {_value(one.sent)}"


def _value(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST_VALUE else f"{text[:WIDEST_VALUE]}..."


def _is_secret(one: PayloadDifference) -> bool:
    """Environment values are never shown; the service's version of a payload may contain one."""
    return "<env." in json.dumps(one.sent)


def run_json(run: UndecidedRun) -> dict[str, Any]:
    return {
        "key": run.key,
        "name": run.name,
        "outcome": run.outcome.value,
        "attempts": run.n,
        "reason": run.reason,
        "held": [held_json(held) for held in run.held],
        "doubt": run.doubt,
    }


def held_json(held: HeldRun) -> dict[str, Any]:
    return {
        "run_id": held.run_id,
        "name": held.name,
        "status": held.status,
        "created": held.create_time,
        "fit": held.fit.value,
        "compared": held.is_compared,
        "differences": [
            {"path": one.path} | ({} if _is_secret(one) else {"planned": one.sent, "held": one.answered})
            for one in held.differences
        ],
        "key": held.holder,
        "foreign": held.is_foreign,
    }
