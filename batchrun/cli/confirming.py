"""What `submit`, `resume` and `rerun` show before they send anything, and their question."""

from batchrun.cli.estimating import estimate_of
from batchrun.cli.output import Output
from batchrun.cli.submit_request import SubmitRequest
from batchrun.cli.text import numbered
from batchrun.cli.views.estimate import estimate_sentence, reruns_line, units_limit_line
from batchrun.cli.views.plan import totals_words, upload_lines
from batchrun.cli.views.uses import uses_lines
from batchrun.engine.preflight.ledger_check import Preflight
from batchrun.errors import Problem
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState
from batchrun.ledger.location import EMULATOR
from batchrun.uploads.upload import new_uploads

__all__ = ["is_confirmed", "warn_of_torn_line"]


def warn_of_torn_line(ledger: FileLedger, output: Output) -> None:
    if ledger.torn:
        fact = "the last line was torn when its writer died, and was removed"
        output.warn(Problem(str(ledger.path), fact, f"a copy is kept in {ledger.path}.torn"))


def is_confirmed(request: SubmitRequest, preflight: Preflight, state: BatchState, output: Output) -> bool:
    """Show what is going to happen, and ask for confirmation if there is a terminal."""
    plan = request.plan
    for warning in plan.warnings:
        output.warn(warning)
    if preflight.is_new:
        output.tell(
            f"{plan.name}: {numbered(plan.runs, 'run')} to submit to {_named(request.service)}: {totals_words(plan)}"
        )
        estimate = estimate_of(plan)
        output.tell(estimate_sentence(estimate))
        reruns = reruns_line(request.rerun_failed, estimate)
        for line in filter(
            None, (reruns, units_limit_line(request.settings.stop_at_units, estimate, request.rerun_failed))
        ):
            output.tell(line)
    else:
        output.tell(f"{plan.name}: resuming {request.ledger}: {preflight.describe()}")
    for line in uses_lines(plan, ledger=None if request.create else request.ledger):
        output.tell(line)
    for line in upload_lines(new_uploads(plan.uploads, state.uploads)):
        output.tell(line)
    # Unlike commands that end work, submit has always sent without a terminal, and pipelines rely on that.
    if request.ask and not output.can_ask and preflight.to_send:
        output.tell("not a terminal, so the runs are sent without confirmation; --yes hides this note")
    if not (request.ask and output.can_ask):
        return True
    if output.ask(_question(request, preflight)):
        return True
    output.tell("nothing was sent")
    return False


def _question(request: SubmitRequest, preflight: Preflight) -> str:
    parts = []
    if preflight.to_send:
        parts.append(f"send {numbered(preflight.to_send, 'run')} to {_named(request.service)}")
    elif preflight.to_settle:
        unknown = numbered(preflight.to_settle, "unknown run")
        parts.append(f"settle {unknown} at {_named(request.service)}, and send those that do not exist")
    elif preflight.to_check:
        runs = numbered(preflight.to_check, "run")
        parts.append(f"look for duplicates of {runs} at {_named(request.service)}")
    if request.rerun_failed:
        each = "once" if request.rerun_failed == 1 else f"up to {request.rerun_failed} times"
        parts.append(f"rerun each failed run {each}")
    question = ", and ".join(parts) or f"continue at {_named(request.service)}"
    return f"{question[0].upper()}{question[1:]}?"


def _named(service: str) -> str:
    return "the emulator" if service == EMULATOR else service
