"""The output of ``batchrun recover``."""

from collections.abc import Sequence
from shlex import join

from batchrun.cli.exits import ExitStatus
from batchrun.cli.output import Output, Table
from batchrun.cli.text import numbered
from batchrun.engine.reconciling.recover import Recovery

__all__ = ["show_recovery"]

MOST_ROWS = 50


def show_recovery(found: Recovery, planned: int, resume: Sequence[str], output: Output) -> ExitStatus:
    """The counts, the doubtful runs with the reason of each, and what to do next; ``resume`` is the command for that."""
    rows = tuple((claim.name, claim.doubt) for claim in found.doubtful)
    if rows:
        output.table(Table(title="Unknown", head=("name", "reason"), rows=rows[:MOST_ROWS]))
    if len(rows) > MOST_ROWS:
        output.say(f"... and {len(rows) - MOST_ROWS:,} more; --json lists all")
    counts = f"{found.recovered:,} submitted, {found.pending:,} pending, {len(found.doubtful):,} unknown"
    output.say(f"{found.ledger}: {numbered(planned, 'run')}: {counts}")
    if found.reruns:
        output.say(f"{numbered(found.reruns, 'run')} with reruns; the latest generation is used")
    if found.older:
        output.say(f"{numbered(found.older, 'run')} with these names were created before --since and were ignored")
    ledger = str(found.ledger)
    if found.unchecked:
        output.say(
            f"the lists of {numbered(len(found.unchecked), 'recovered run')} are incomplete: there may be reruns that were "
            f"not seen; to look again: {join(['batchrun', 'verify', ledger])}"
        )
    if found.doubtful:
        output.say(f"to resolve the unknown ones: {join(['batchrun', 'resolve', ledger])}")
    if found.pending:
        output.say(f"to send the rest: {join(resume)}", style="bold")
    status = ExitStatus.INCOMPLETE if found.doubtful or found.unchecked else ExitStatus.DONE
    output.document(
        {
            "ledger": ledger,
            "planned": planned,
            "outcomes": {
                "submitted": found.recovered,
                "pending": found.pending,
                "unknown": len(found.doubtful),
            },
            "unknown": [
                {"name": one.name, "key": one.planned.key, "reason": one.doubt, "run_ids": one.doubtful_ids}
                for one in found.doubtful
            ],
            "reruns": found.reruns,
            "unchecked": list(found.unchecked),
            "older": found.older,
            "exit_status": int(status),
        }
    )
    return status
