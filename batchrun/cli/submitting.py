"""What ``submit`` and ``resume`` have in common: one order, checked against its ledger and carried out."""

import gc
import os

import anyio

from batchrun.cli.exits import ExitStatus
from batchrun.cli.interrupts import stop_on_signals
from batchrun.cli.loading import loop_options
from batchrun.cli.output import Output
from batchrun.cli.progress import View, view_for
from batchrun.cli.service import open_service
from batchrun.cli.standing import Standing, SubmitRequest, standing_of, target_changed
from batchrun.cli.text import numbered
from batchrun.cli.views.plan import totals_words
from batchrun.cli.views.result import Result, show_result
from batchrun.cli.views.tables import outcome_table
from batchrun.engine.resume import extended_batch
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submit import Submission, submit
from batchrun.errors import BatchrunError, Problem
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from batchrun.report.summary import read_summary
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["run_submission"]

SPARE_CONNECTIONS = 2
"""For settling and for watching, beside those that submit."""


def run_submission(order: SubmitRequest, output: Output) -> ExitStatus:
    """Submit what the ledger does not know as created.

    Raises:
        BatchrunError: it cannot be begun; nothing was sent.

    """
    if order.dry_run:
        return _dry_run(order, output)
    with open_service(order.service, os.environ, timeout_s=order.timeout_s) as api:
        with FileLedger.open(order.ledger, create=order.create) as ledger:
            _tell_torn(ledger, output)
            standing = standing_of(order, ledger.state)
            if standing.is_finished and not target_changed(order, ledger.state):
                return _nothing_left(order, standing, output)
            if not _may_go(order, standing, output):
                return ExitStatus.STOPPED
            gc.freeze()  # the plan stays to the end: no need to look through it for garbage
            with view_for(output, order.plan.name) as view:
                submission = anyio.run(_submit, order, ledger, api, view, output, backend_options=loop_options())
        return _tell(order, submission, output)


async def _submit(order: SubmitRequest, ledger: FileLedger, api: ApiSettings, view: View, output: Output) -> Submission:
    switch, failure, submission = StopSwitch(), None, None
    connections = order.settings.concurrency + SPARE_CONNECTIONS
    async with (
        RunsClient(api, open_transport(api, connections=connections)) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(stop_on_signals, switch, output.urge, view.leave)
        try:
            if target_changed(order, ledger.state):
                await ledger.begin(extended_batch(order.plan, ledger.state, order.service))
            submission = await submit(
                order.plan,
                ledger,
                client,
                settings=order.settings,
                observer=view,
                switch=switch,
                retry=order.retry,
                base_url=order.service,
            )
        except BatchrunError as error:
            failure = error
        tasks.cancel_scope.cancel()
    if submission is None:
        raise failure or RuntimeError("a session without an end")
    return submission


def _tell_torn(ledger: FileLedger, output: Output) -> None:
    if ledger.torn:
        fact = "the last line was torn when its writer died; it was cut off"
        output.warn(Problem(str(ledger.path), fact, f"it is kept in {ledger.path}.torn"))


def _may_go(order: SubmitRequest, standing: Standing, output: Output) -> bool:
    """Say what is going to happen, and ask where there is somebody to ask."""
    plan = order.plan
    for warning in plan.warnings:
        output.warn(warning)
    if standing.is_new:
        output.tell(f"{plan.name}: {numbered(plan.runs, 'run')} to submit to {order.service}: {totals_words(plan)}")
    else:
        output.tell(f"{plan.name}: going on with {order.ledger}: {standing.words()}")
    if not (order.ask and output.can_ask):
        return True
    if output.ask(f"Send {numbered(standing.to_send, 'run')} to {order.service}?"):
        return True
    output.tell("nothing was sent")
    return False


def _nothing_left(order: SubmitRequest, standing: Standing, output: Output) -> ExitStatus:
    done = standing.outcomes[Outcome.SUBMITTED] == order.plan.runs
    status = ExitStatus.DONE if done else ExitStatus.INCOMPLETE
    words = f"all {numbered(order.plan.runs, 'run')} are submitted already" if done else standing.words()
    output.say(f"{order.plan.name}: nothing is left to send: {words}")
    if not done:
        output.say("to send those again: --retry rejected,failed")
    output.document(standing.json() | {"exit_status": int(status)})
    return status


def _dry_run(order: SubmitRequest, output: Output) -> ExitStatus:
    """What submitting would do, without the network and without touching the ledger."""
    exists = order.ledger.exists() and order.ledger.stat().st_size > 0
    standing = standing_of(order, read_state(order.ledger) if exists or not order.create else BatchState())
    output.table(outcome_table(order.plan.name, standing.outcomes, order.plan.runs))
    output.say(f"would go to {order.service}: {standing.words()}")
    output.document(standing.json() | {"dry_run": True, "exit_status": 0})
    return ExitStatus.DONE


def _tell(order: SubmitRequest, submission: Submission, output: Output) -> ExitStatus:
    progress = submission.progress
    is_whole = progress.submitted + progress.pending == progress.planned
    result = Result(
        name=order.plan.name,
        ledger=str(order.ledger),
        submission=submission,
        reasons=() if is_whole else read_summary(order.ledger).reasons,
        resume=order.resume,
    )
    return show_result(result, output)
