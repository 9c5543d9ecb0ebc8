"""Shared by ``submit`` and ``resume``: check a request against its ledger, then submit it."""

import gc
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from batchrun.cli.confirming import is_confirmed, warn_of_torn_line
from batchrun.cli.exits import ExitStatus
from batchrun.cli.loading import load
from batchrun.cli.output import Output
from batchrun.cli.progress import View
from batchrun.cli.sending_nothing import dry_run, nothing_left
from batchrun.cli.service import open_service
from batchrun.cli.sessions import run_session
from batchrun.cli.settling import settle_unknown
from batchrun.cli.submit_request import SubmitRequest
from batchrun.cli.text import numbered
from batchrun.cli.views.result import Result, show_result
from batchrun.engine.preflight.existing import Existing
from batchrun.engine.preflight.ledger_check import Preflight
from batchrun.engine.rerun import request_rerun_of_failed
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submit import Submission, submit
from batchrun.errors import RunsExistError, SweepChangedError
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_state
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings

if TYPE_CHECKING:  # loaded with --watch
    from batchrun.cli.watch_views import SubmissionView
    from batchrun.cli.watching import Watched, WatchRequest

__all__ = ["run_submission"]

UNATTENDED_S = 3600.0
"""If no run is created for an hour, someone has to look; scripts and CI jobs must not wait forever."""


def run_submission(request: SubmitRequest, output: Output) -> ExitStatus:
    """Submit what the ledger does not know as created.

    Raises:
        BatchrunError: the batch cannot be started; nothing was sent.

    """
    if request.dry_run:
        return dry_run(request, output)
    request = replace(request, settings=_patient(request.settings, output))
    with open_service(request.service, os.environ, ledger=request.ledger, timeout_s=request.timeout_s) as api:
        with FileLedger.open(request.ledger, create=request.create) as ledger:
            warn_of_torn_line(ledger, output)
            preflight = _check(request, ledger, api, output)
            # A changed plan is recorded even if nothing of it is left to send.
            is_finished = preflight.is_finished and not preflight.target_changed
            if is_finished and not request.watch:
                return nothing_left(request, preflight, output)
            has_to_ask = not is_finished or request.rerun_failed
            if has_to_ask and not is_confirmed(request, preflight, ledger.state, output):
                return ExitStatus.STOPPED
            gc.freeze()  # the plan stays to the end: no need to look through it for garbage
            seen = _view_of_both(output, request.plan.name) if request.watch else None
            submission = _submit_or_ask(request, ledger, api, output, seen=seen)
        # With the lock released: following takes it for each append.
        watched = _watch(request, api, output, seen) if seen is not None and submission.stop is None else None
        while watched is not None and watched.is_whole and _is_run_again(request, output):
            submission, watched = _round(request, api, output)
        return _show(request, submission, output, watched)


def _is_run_again(request: SubmitRequest, output: Output) -> bool:
    """Whether runs failed that are to be rerun; if so, that is durable now, and any session carries it out."""
    runs = anyio.run(request_rerun_of_failed, request.ledger, request.rerun_failed)
    if runs:
        output.tell(f"{request.plan.name}: {numbered(runs, 'run')} failed; rerunning {'it' if runs == 1 else 'them'}")
    return bool(runs)


def _round(request: SubmitRequest, api: ApiSettings, output: Output) -> tuple[Submission, "Watched | None"]:
    """Create the runs that are to be rerun, and follow them; what the first session was allowed does not count again."""
    again = replace(request, create=False, retry=frozenset(), extend=False, recreate=False, existing=Existing.REFUSE)
    with FileLedger.open(request.ledger) as ledger:
        seen = _view_of_both(output, request.plan.name)
        submission = _run_session(again, ledger, api, output, seen=seen)
    return submission, _watch(again, api, output, seen) if submission.stop is None else None


def _patient(settings: SubmitSettings, output: Output) -> SubmitSettings:
    """Without a terminal, a batch that makes no progress stops by itself."""
    if settings.give_up_after_s is not None or output.is_terminal:
        return settings
    return replace(settings, give_up_after_s=UNATTENDED_S)


def _watch(request: SubmitRequest, api: ApiSettings, output: Output, seen: "SubmissionView") -> "Watched":
    """Follow the runs until they end, now that nothing is left to send and the ledger's lock is released."""
    view = load("batchrun.cli.watch_views:watch_view")(output, request.plan.name, failures=seen.failures)
    watched: Watched = load("batchrun.cli.watching:follow_batch")(_watch_request(request), api, output, view)
    return watched


def _view_of_both(output: Output, name: str) -> "SubmissionView":
    view: SubmissionView = load("batchrun.cli.watch_views:SubmissionView")(output, name)
    return view


def _watch_request(request: SubmitRequest) -> "WatchRequest":
    made: WatchRequest = load("batchrun.cli.watching:WatchRequest")(
        name=request.plan.name,
        ledger=request.ledger,
        service=request.service,
        read_rate=request.settings.read_rate,
    )
    return made


def _submit_or_ask(
    request: SubmitRequest, ledger: FileLedger, api: ApiSettings, output: Output, *, seen: "SubmissionView | None"
) -> Submission:
    """Submit; if runs exist that a new ledger does not know, ask whether to create them again.

    Raises:
        RunsExistError: there is no terminal to ask on, or the answer is no.

    """
    try:
        return _run_session(request, ledger, api, output, seen=seen)
    except RunsExistError as error:
        if ledger.state.attempts or not output.can_ask:
            raise
        output.warn(error.problems[0])
        if not output.ask(f"Create {numbered(request.plan.runs, 'run')} again, in addition to the existing ones?"):
            raise
        again = replace(request, existing=Existing.FOREIGN)
        return _run_session(again, ledger, api, output, seen=seen)


def _run_session(
    request: SubmitRequest, ledger: FileLedger, api: ApiSettings, output: Output, *, seen: "SubmissionView | None"
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

    return run_session(work, api, request.settings, output=output, name=request.plan.name, view=seen)


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


def _show(request: SubmitRequest, submission: Submission, output: Output, watched: "Watched | None") -> ExitStatus:
    progress = submission.progress
    is_all_well = progress.submitted + progress.pending == progress.planned  # then there is no reason to look for
    result = Result(
        name=request.plan.name,
        ledger=str(request.ledger),
        submission=submission,
        reasons=() if is_all_well else load("batchrun.report.summary:read_summary")(request.ledger).reasons,
        resume=request.resume,
        watched=watched.json() if watched is not None else None,
        follow=request.follow if watched is None else (),
        is_unfinished=bool(request.rerun_failed) and watched is not None and not watched.is_whole,
        watch_status=watched.status if watched is not None else None,
    )
    status = show_result(result, output)
    if watched is not None:
        load("batchrun.cli.watching:show_watched")(_watch_request(request), watched, output)
    return status
