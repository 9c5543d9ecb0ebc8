"""The output of ``batchrun verify``: where a ledger and the service disagree."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from shlex import join
from typing import Any

from batchrun.cli.output import Output, Table
from batchrun.cli.text import numbered
from batchrun.cli.views.undecided import held_json, payload_words, shown_time
from batchrun.engine.reconciling.mismatches import Mismatch, MismatchKind
from batchrun.engine.reconciling.verify import Verification
from batchrun.ledger.state import Outcome

__all__ = ["show_verification", "verification_json"]

MOST_ROWS = 50
MOST_IDS = 20
"""Ids to cancel that are shown on a line; --json lists all."""


def show_verification(verification: Verification, ledger: str, output: Output) -> None:
    """A row for each disagreement, what to do about them, and what could not be checked."""
    found = verification.mismatches
    rows = [row for one in found for row in _rows(one)]
    if rows:
        head = ("finding", "name", "outcome", "sent", "in the ledger", "at the service", "created", "payload")
        table = Table(head=head, rows=tuple(rows[:MOST_ROWS]), right=frozenset({"sent"}))
        output.table(table.without_empty("in the ledger", "created", "payload"))
    if len(rows) > MOST_ROWS:
        output.say(f"... and {len(rows) - MOST_ROWS:,} more; --json lists all")
    for line in _advice(verification, ledger):
        output.say(line)
    if verification.is_since_began:
        output.say("only runs created since the batch began were listed")
    for doubt in verification.doubts:
        output.warn(doubt)
    findings = numbered(len(found), "finding") if found else "no findings"
    doubts = "" if not verification.doubts else "; not everything could be checked"
    output.say(f"{ledger}: {numbered(verification.checked, 'created run')} checked, {findings}{doubts}")


def _rows(one: Mismatch) -> Iterator[tuple[str, ...]]:
    mine = (one.kind.value, one.name, one.outcome.value, f"{one.attempts:,}", one.run_id or "")
    match one.kind:
        case MismatchKind.MISSING:
            yield (*mine, "no such run", "", "")
        case MismatchKind.RENAMED:
            yield (*mine, f"named {one.found_name!r}", "", "")
        case _ if not one.held:
            yield (*mine, "not listed", "", "")
        case _:
            for held in one.held:
                yield (*mine, held.run_id, shown_time(held), payload_words(held))
                # Said once: further rows are about the same name.
                mine = ("", "", "", "", "")


def _advice(verification: Verification, ledger: str) -> Iterator[str]:
    counts = Counter(one.kind for one in verification.mismatches)

    def command(*words: str) -> str:
        return join(["batchrun", words[0], ledger, *words[1:]])

    if count := counts[MismatchKind.MISSING]:
        verb = "exists" if count == 1 else "exist"
        yield f"missing: {numbered(count, 'run')} in the ledger no longer {verb} at the service"
    if count := counts[MismatchKind.RENAMED]:
        verb = "has" if count == 1 else "have"
        yield f"renamed: {numbered(count, 'run')} in the ledger {verb} a different name at the service"
    if ids := verification.to_cancel:
        more = f", and {len(ids) - MOST_IDS:,} more (--json)" if len(ids) > MOST_IDS else ""
        yield f"twice: created by this batch in addition to the ledger's run; cancel {' '.join(ids[:MOST_IDS])}{more}"
    if count := _others(verification.mismatches):
        yield (
            f"twice: {numbered(count, 'name')} sent only once by this ledger, or with a payload that differs or is no longer known; "
            "the other run may belong to another ledger, so cancel it only if you know that it does not"
        )
    if count := counts[MismatchKind.UNKNOWN]:
        yield (
            f"unknown: {numbered(count, 'run')}; {command('resume')} settles them, "
            f"and {command('resolve')} helps with those that stay unknown"
        )
    yield from _advice_about_foreign(verification, command)


def _advice_about_foreign(verification: Verification, command: Callable[..., str]) -> Iterator[str]:
    if count := sum(one.is_later_rerun for one in verification.mismatches):
        yield (
            f"foreign: {numbered(count, 'rerun')} not in this ledger, which is older than they are or was recovered "
            "from incomplete lists; use the newer ledger, or rebuild one with batchrun recover SWEEP --ledger PATH"
        )
    foreign = Counter(
        one.outcome for one in verification.mismatches if one.kind is MismatchKind.FOREIGN and not one.is_later_rerun
    )
    if count := foreign.pop(Outcome.DROPPED, 0):
        yield f"foreign: {numbered(count, 'name')} dropped here; {command('resolve')} NAME --adopt RUN_ID adopts a run; otherwise it stays a finding"
    if count := foreign.pop(Outcome.FAILED, 0) + foreign.pop(Outcome.REJECTED, 0):
        yield (
            f"foreign: {numbered(count, 'name')} that failed or were rejected here; "
            f"{command('resume', '--retry', 'failed,rejected')} adopts matching runs before it sends anything"
        )
    if count := foreign.total():
        yield (
            f"foreign: {numbered(count, 'name')}; if they are this batch's runs, {command('resume', '--adopt-existing')} "
            f"adopts them; if they belong to another batch, {command('resume', '--not-ours')} ignores them"
        )


def _others(found: Sequence[Mismatch]) -> int:
    return sum(one.kind is MismatchKind.TWICE and not one.to_cancel for one in found)


def verification_json(verification: Verification) -> dict[str, Any]:
    return {
        "checked": verification.checked,
        "counts": {kind.value: sum(one.kind is kind for one in verification.mismatches) for kind in MismatchKind},
        "findings": [_json(one) for one in verification.mismatches],
        "to_cancel": list(verification.to_cancel),
        "not_checked": [doubt.json() for doubt in verification.doubts],
    }


def _json(one: Mismatch) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "name": one.name,
        "key": one.key,
        "outcome": one.outcome.value,
        "attempts": one.attempts,
        "run_id": one.run_id,
        "found_name": one.found_name,
        "held": [held_json(held) for held in one.held],
        "to_cancel": list(one.to_cancel),
    }
