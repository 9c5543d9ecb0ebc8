"""Submissions that send nothing: a dry run, and a batch with nothing left to send."""

from typing import Any

from batchrun.cli.exits import ExitStatus
from batchrun.cli.output import Output
from batchrun.cli.submit_request import SubmitRequest
from batchrun.cli.text import numbered
from batchrun.cli.views.tables import outcome_table
from batchrun.engine.preflight.ledger_check import Preflight
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state

__all__ = ["dry_run", "nothing_left", "show_if_nothing_is_sent"]


def show_if_nothing_is_sent(request: SubmitRequest, output: Output) -> ExitStatus | None:
    """For a plan without its environment: report that nothing is left to send. Returns None if something is.

    Raises:
        LedgerError: the ledger cannot be used, or belongs to another service or another plan.

    """
    # Of a batch that has not begun, everything is left to send.
    if not request.ledger.is_file() or not request.ledger.stat().st_size:
        return None
    preflight = request.check(read_state(request.ledger))
    if not preflight.is_finished or request.watch:
        return None
    return dry_run(request, output) if request.dry_run else nothing_left(request, preflight, output)


def nothing_left(request: SubmitRequest, preflight: Preflight, output: Output) -> ExitStatus:
    submitted, dropped = preflight.outcomes[Outcome.SUBMITTED], preflight.outcomes[Outcome.DROPPED]
    done = submitted + dropped == request.plan.runs
    status = ExitStatus.DONE if done else ExitStatus.INCOMPLETE
    is_whole = submitted == request.plan.runs
    counts = f"all {numbered(submitted, 'run')} are already submitted" if is_whole else preflight.describe()
    output.say(f"{request.plan.name}: nothing left to send: {counts}")
    if not done:
        output.say("to send those again: --retry rejected,failed")
    output.document(_document(request, preflight) | {"exit_status": int(status)})
    return status


def dry_run(request: SubmitRequest, output: Output) -> ExitStatus:
    """What submitting would do, without the network and without touching the ledger."""
    exists = request.ledger.exists() and request.ledger.stat().st_size > 0
    preflight = request.check(read_state(request.ledger) if exists or not request.create else BatchState())
    output.table(outcome_table(request.plan.name, preflight.outcomes, request.plan.runs))
    output.say(f"would submit to {request.service}: {preflight.describe()}")
    output.document(_document(request, preflight) | {"dry_run": True, "exit_status": 0})
    return ExitStatus.DONE


def _document(request: SubmitRequest, preflight: Preflight) -> dict[str, Any]:
    return {
        "batch": request.plan.name,
        "ledger": str(request.ledger),
        "service": request.service,
        "planned": request.plan.runs,
        "outcomes": {outcome.value: count for outcome, count in preflight.outcomes.items()},
        "to_send": preflight.to_send,
        "to_settle": preflight.to_settle,
    }
