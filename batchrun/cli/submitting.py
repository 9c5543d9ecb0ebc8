"""Shared by ``submit`` and ``resume``: check a request against its ledger, then submit it."""

import gc
import os
from dataclasses import replace
from typing import Any

import anyio

from batchrun.cli.estimating import estimate_of
from batchrun.cli.exits import ExitStatus
from batchrun.cli.output import Output
from batchrun.cli.progress import View
from batchrun.cli.service import open_service
from batchrun.cli.sessions import run_session
from batchrun.cli.settling import settle_unknown
from batchrun.cli.submit_request import SubmitRequest
from batchrun.cli.text import numbered
from batchrun.cli.views.estimate import estimate_sentence, reruns_line, units_limit_line
from batchrun.cli.views.plan import totals_words, upload_lines
from batchrun.cli.views.result import Result, show_result
from batchrun.cli.views.tables import outcome_table
from batchrun.cli.views.uses import uses_lines
from batchrun.cli.watch_views import SubmissionView, watch_view
from batchrun.cli.watching import Watched, WatchRequest, follow_batch, show_watched
from batchrun.engine.preflight import Preflight
from batchrun.engine.rerun import failed_runs, request_rerun_of_failed
from batchrun.engine.service_check import Existing
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submit import Submission, submit
from batchrun.errors import Problem, RunsExistError, SweepChangedError
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from batchrun.report.summary import read_summary
from batchrun.uploads.upload import new_uploads
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings

__all__ = ["run_submission", "show_if_nothing_is_sent"]

UNATTENDED_S = 3600.0
"""If no run is created for an hour, someone has to look; scripts and CI jobs must not wait forever."""


def run_submission(request: SubmitRequest, output: Output) -> ExitStatus:
    """Submit what the ledger does not know as created.

    Raises:
        BatchrunError: the batch cannot be started; nothing was sent.

    """
    if request.dry_run:
        return _dry_run(request, output)
    request = replace(request, settings=_patient(request.settings, output))
    with open_service(request.service, os.environ, ledger=request.ledger, timeout_s=request.timeout_s) as api:
        with FileLedger.open(request.ledger, create=request.create) as ledger:
            _warn_of_torn_line(ledger, output)
            preflight = _check(request, ledger, api, output)
            is_finished = preflight.is_finished and not preflight.target_changed
            if is_finished and not request.watch:
                return _nothing_left(request, preflight, output)
            has_to_ask = not is_finished or request.rerun_failed
            if has_to_ask and not _is_confirmed(request, preflight, ledger.state, output):
                return ExitStatus.STOPPED
            gc.freeze()  # the plan stays to the end: no need to look through it for garbage
            seen = SubmissionView(output, request.plan.name) if request.watch else None
            submission = _submit_or_ask(request, ledger, api, output, seen)
        watched = _watch(request, api, output, seen) if seen is not None and submission.stop is None else None
        while watched is not None and watched.is_whole and _is_run_again(request, output):
            submission, watched = _round(request, api, output)
        return _show(request, submission, output, watched)


def _is_run_again(request: SubmitRequest, output: Output) -> bool:
    """Whether runs failed that are to be run again; if so, that is durable now, and any session carries it out."""
    if not failed_runs(read_state(request.ledger), request.rerun_failed):
        return False
    with FileLedger.open(request.ledger) as ledger:
        runs = anyio.run(request_rerun_of_failed, ledger, request.rerun_failed)
    output.tell(f"{request.plan.name}: {numbered(runs, 'run')} failed; running {'it' if runs == 1 else 'them'} again")
    return bool(runs)


def _round(request: SubmitRequest, api: ApiSettings, output: Output) -> tuple[Submission, Watched | None]:
    """Create the runs that are to be run again, and follow them; what the first session was allowed does not count again."""
    again = replace(request, create=False, retry=frozenset(), extend=False, recreate=False, existing=Existing.REFUSE)
    with FileLedger.open(request.ledger) as ledger:
        seen = SubmissionView(output, request.plan.name)
        submission = _run_session(again, ledger, api, output, seen)
    return submission, _watch(again, api, output, seen) if submission.stop is None else None


def show_if_nothing_is_sent(request: SubmitRequest, output: Output) -> ExitStatus | None:
    """For a plan without its environment: report that nothing is left to send. Returns None if something is.

    Raises:
        LedgerError: the ledger cannot be used, or belongs to another service or another plan.

    """
    if not request.ledger.is_file() or not request.ledger.stat().st_size:
        return None
    preflight = request.check(read_state(request.ledger))
    if not preflight.is_finished or request.watch:
        return None
    return _dry_run(request, output) if request.dry_run else _nothing_left(request, preflight, output)


def _patient(settings: SubmitSettings, output: Output) -> SubmitSettings:
    """Without a terminal, a batch that makes no progress stops by itself."""
    if settings.give_up_after_s is not None or output.is_terminal:
        return settings
    return replace(settings, give_up_after_s=UNATTENDED_S)


def _watch(request: SubmitRequest, api: ApiSettings, output: Output, seen: SubmissionView) -> Watched:
    """Follow the runs until they end, now that nothing is left to send and the ledger's lock is released."""
    view = watch_view(output, request.plan.name, failures=seen.failures)
    return follow_batch(_watch_request(request), api, output, view)


def _watch_request(request: SubmitRequest) -> WatchRequest:
    return WatchRequest(
        name=request.plan.name,
        ledger=request.ledger,
        service=request.service,
        read_rate=request.settings.read_rate,
    )


def _submit_or_ask(
    request: SubmitRequest, ledger: FileLedger, api: ApiSettings, output: Output, seen: SubmissionView | None
) -> Submission:
    """Submit; if runs exist that a new ledger does not know, ask whether to create them again.

    Raises:
        RunsExistError: there is no terminal to ask on, or the answer is no.

    """
    try:
        return _run_session(request, ledger, api, output, seen)
    except RunsExistError as error:
        if ledger.state.attempts or not output.can_ask:
            raise
        output.warn(error.problems[0])
        if not output.ask(f"Create {numbered(request.plan.runs, 'run')} again, in addition to the existing ones?"):
            raise
        return _run_session(replace(request, existing=Existing.FOREIGN), ledger, api, output, seen)


def _run_session(
    request: SubmitRequest, ledger: FileLedger, api: ApiSettings, output: Output, seen: SubmissionView | None
) -> Submission:
    async def work(client: RunsClient, view: View, switch: StopSwitch) -> Submission:
        return await submit(
            request.plan,
            ledger,
            client,
            settings=request.settings,
            observer=view,
            switch=switch,
            retry=request.retry,
            extend=request.extend,
            recreate=request.recreate,
            existing=request.existing,
            to_another_server=request.to_another_server,
            base_url=request.service,
            on_change=seen.change if seen is not None else None,
        )

    return run_session(work, api, request.settings, output, request.plan.name, view=seen)


def _check(request: SubmitRequest, ledger: FileLedger, api: ApiSettings, output: Output) -> Preflight:
    """What is left to do. Whether or not the sweep changed, unknown runs are settled.

    Raises:
        LedgerMismatchError: the ledger belongs to another service or another plan, and that was not allowed.

    """
    try:
        return request.check(ledger.state)
    except SweepChangedError:
        if not ledger.state.unknown:
            raise
        settle_unknown(ledger, api, request.settings, output, service=request.service)
        request.check(read_state(request.ledger))  # the same refusal, with current numbers
        raise


def _warn_of_torn_line(ledger: FileLedger, output: Output) -> None:
    if ledger.torn:
        fact = "the last line was torn when its writer died, and was removed"
        output.warn(Problem(str(ledger.path), fact, f"a copy is kept in {ledger.path}.torn"))


def _is_confirmed(request: SubmitRequest, preflight: Preflight, state: BatchState, output: Output) -> bool:
    """Show what is going to happen, and ask for confirmation if there is a terminal."""
    plan = request.plan
    for warning in plan.warnings:
        output.warn(warning)
    if preflight.is_new:
        output.tell(f"{plan.name}: {numbered(plan.runs, 'run')} to submit to {request.service}: {totals_words(plan)}")
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
    if request.ask and not output.can_ask and preflight.to_send:
        output.tell("not a terminal, so the runs are sent without confirmation; --yes hides this note")
    if not (request.ask and output.can_ask):
        return True
    if output.ask(_question(request, preflight)):
        return True
    output.tell("nothing was sent")
    return False


def _question(request: SubmitRequest, preflight: Preflight) -> str:
    send = f"Send {numbered(preflight.to_send, 'run')} to {request.service}"
    if not request.rerun_failed:
        return f"{send}?"
    each = "once" if request.rerun_failed == 1 else f"up to {request.rerun_failed} times"
    return f"{send}, and rerun each failed run {each}?"


def _nothing_left(request: SubmitRequest, preflight: Preflight, output: Output) -> ExitStatus:
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


def _dry_run(request: SubmitRequest, output: Output) -> ExitStatus:
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


def _show(request: SubmitRequest, submission: Submission, output: Output, watched: Watched | None) -> ExitStatus:
    progress = submission.progress
    is_all_well = progress.submitted + progress.pending == progress.planned  # then there is no reason to look for
    result = Result(
        name=request.plan.name,
        ledger=str(request.ledger),
        submission=submission,
        reasons=() if is_all_well else read_summary(request.ledger).reasons,
        resume=request.resume,
        watched=watched.json() if watched is not None else None,
        is_unfinished=bool(request.rerun_failed) and watched is not None and not watched.is_whole,
        watch_status=watched.status if watched is not None else None,
    )
    status = show_result(result, output)
    if watched is not None:
        show_watched(_watch_request(request), watched, output)
    return status
