"""The result of a session: its exit status and the outcome of every planned run."""

from dataclasses import dataclass
from shlex import join
from typing import TYPE_CHECKING, Any

from batchrun.cli.exits import ExitStatus
from batchrun.cli.output import Output
from batchrun.cli.text import duration, numbered
from batchrun.cli.views.tables import OUTCOMES, outcome_table, reason_table
from batchrun.engine.progress import Progress
from batchrun.engine.stopping import StopReason
from batchrun.engine.submit import Submission
from batchrun.errors import Problem
from batchrun.ledger.fold import Outcome

if TYPE_CHECKING:
    from batchrun.report.reasons import Reason

__all__ = ["Result", "exit_status", "show_result"]

_SIGNALS = {StopReason.INTERRUPTED: ExitStatus.INTERRUPTED, StopReason.TERMINATED: ExitStatus.TERMINATED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What ``submit`` and ``resume`` show at the end."""

    name: str
    ledger: str
    submission: Submission
    reasons: tuple["Reason", ...]
    resume: tuple[str, ...]
    """The command that resumes the batch."""
    watched: dict[str, Any] | None = None
    """The result of following the runs, if they were followed, and the exit status that results."""
    watch_status: ExitStatus | None = None
    follow: tuple[str, ...] = ()
    """The command that follows the runs; empty if they have been followed."""
    is_unfinished: bool = False
    """The watch was stopped, so failures after it are not rerun."""

    @property
    def is_resumable(self) -> bool:
        """Whether resuming would send, check or follow any runs."""
        progress, stop = self.submission.progress, self.submission.stop
        if stop is not None and stop.reason is StopReason.LEDGER_CHANGED:
            return False  # the file is gone, damaged or another process's: the error says what to do about it
        return progress.pending + progress.unknown > 0 or self.is_unfinished


def exit_status(submission: Submission) -> ExitStatus:
    """The exit status; an interrupt that came when nothing was left to do does not count."""
    progress, stop = submission.progress, submission.stop
    if stop is not None and stop.reason is StopReason.LEDGER_CHANGED:
        return ExitStatus.LEDGER
    # A stop with a cause needs attention even if it came with the last run.
    if stop is not None and stop.reason not in _SIGNALS:
        return ExitStatus.STOPPED
    if stop is not None and progress.pending + progress.unknown:
        return _SIGNALS[stop.reason]
    is_done = progress.submitted + progress.dropped == progress.planned  # what a person dropped is not missed
    return ExitStatus.DONE if is_done else ExitStatus.INCOMPLETE


def show_result(result: Result, output: Output) -> ExitStatus:
    """Show the result and return the exit status."""
    submission = result.submission
    progress, stop = submission.progress, submission.stop
    status = result.watch_status if result.watch_status is not None else exit_status(submission)
    output.table(outcome_table(result.name, outcomes_of(progress), progress.planned))
    output.say(_session_line(progress))
    if result.reasons:
        output.table(reason_table(result.reasons))
    if sum(outcomes_of(progress).values()) != progress.planned:
        output.error(Problem(result.ledger, "the outcomes do not add up to the plan", "please report this bug"))
    if stop is not None:
        # Whoever pressed Ctrl-C knows why it stopped: that is no error.
        (output.warn if stop.reason in _SIGNALS else output.error)(stop.problem)
    output.say(f"ledger: {result.ledger}")
    if result.is_resumable:
        output.say(f"to resume: {join(result.resume)}", style="bold")
    elif result.follow and progress.submitted:
        output.say(f"to follow the runs: {join(result.follow)}")
    if progress.unknown:
        command = join(["batchrun", "resolve", result.ledger])
        output.say(f"if runs stay unknown: {command} shows what the service holds and records your decision")
    output.document(_document(result, status))
    return status


def outcomes_of(progress: Progress) -> dict[Outcome, int]:
    return {outcome: getattr(progress, outcome.value) for outcome in OUTCOMES}


def _session_line(progress: Progress) -> str:
    rate = progress.attempts / progress.elapsed_s if progress.elapsed_s > 0 else 0.0
    parts = [f"{numbered(progress.attempts, 'attempt')} in {duration(progress.elapsed_s)} ({rate:,.1f}/s)"]
    if progress.retries:
        parts.append(f"{progress.retries:,} {'retry' if progress.retries == 1 else 'retries'}")
    if progress.settled:
        parts.append(f"{progress.settled:,} found by listing after a lost response")
    return "this session: " + ", ".join(parts)


def _document(result: Result, status: ExitStatus) -> dict[str, Any]:
    progress, stop = result.submission.progress, result.submission.stop
    return {
        "batch": result.name,
        "ledger": result.ledger,
        "planned": progress.planned,
        "outcomes": {outcome.value: count for outcome, count in outcomes_of(progress).items()},
        "session": {
            "attempts": progress.attempts,
            "retries": progress.retries,
            "settled": progress.settled,
            "seconds": round(progress.elapsed_s, 3),
        },
        "reasons": [reason.json() for reason in result.reasons],
        "notes": [note.json() for note in result.submission.notes],
        "stop": None if stop is None else {"reason": stop.reason.value, "problem": stop.problem.json()},
        "resume": list(result.resume) if result.is_resumable else None,
        **({"watch": result.watched} if result.watched is not None else {}),
        "exit_status": int(status),
    }
