"""What the parts of one submitting session share."""

from collections import deque
from dataclasses import dataclass, field

import msgspec

from batchrun.engine.active_runs import ActiveRuns
from batchrun.engine.backlog import Backlog, Work
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import Observer
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason, StopSwitch
from batchrun.engine.tally import Tally
from batchrun.errors import Problem
from batchrun.ledger.events import FailedEvent, SubmittedEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.wherobots.answers import NO_ERROR_BODY, ServiceError
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.enums import RunStatus

__all__ = ["Session"]

RECENT_RUNS = 10_000


@dataclass(slots=True, kw_only=True)
class Session:
    """One process's work on one batch: the shared parts, and what each ending means for all of them."""

    settings: SubmitSettings
    ledger: FileLedger
    client: RunsClient
    pacing: Pacer
    backlog: Backlog
    tally: Tally
    window: ActiveRuns
    switch: StopSwitch
    observer: Observer
    notes: list[Problem] = field(default_factory=list)
    recent: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=RECENT_RUNS))
    """Ids and keys of the latest runs of this session, kept for the day when a quota is met."""

    def note(self, problem: Problem) -> None:
        """Tell a person now, and again in the summary."""
        self.notes.append(problem)
        self.observer.note(problem)

    def server_now(self) -> float:
        """The server's time in epoch seconds, as far as it is known; never jumps back."""
        return self.ledger.clock.now() + (self.client.clock.offset_s or 0.0)

    def submitted(self, work: Work, run_id: str, status: str | None, duplicates: list[str] | None = None) -> None:
        """The run exists; ``duplicates`` is given when settling found it, and holds further runs of the same name."""
        run = work.run
        self.ledger.record(
            SubmittedEvent(
                at=self.ledger.clock.stamp(),
                key=run.key,
                n=work.n,
                run_id=run_id,
                name=run.name,
                status=status,
                point=msgspec.Raw(run.point_json),
                via="response" if duplicates is None else "settled",
                duplicates=duplicates or [],
            )
        )
        self.tally.move(Outcome.PENDING if duplicates is None else Outcome.UNKNOWN, Outcome.SUBMITTED)
        if not self.window.is_bounded:
            self.recent.append((run_id, run.key))
        elif not RunStatus(status or "").is_final:
            self.window.created(run_id, run.key)
        self.backlog.retire()
        self.check_failures()

    def quota_refused(self) -> None:
        """The service is full. From here on the number of active runs counts, so those there are must be known."""
        if not self.window.is_bounded:
            self.count_earlier()
        self.window.refused()

    def count_earlier(self) -> None:
        """Take the runs that the ledger or this session knows as submitted and not ended for active."""
        for run_id, key in self.recent:
            self.window.created(run_id, key)
        for key, run in self.ledger.state.runs.items():
            if run.run_id is not None and not RunStatus(run.status or "").is_final:
                self.window.created(run.run_id, key)
                self.window.has_earlier = True

    def failed(
        self, work: Work, before: Outcome, *, status: int | None = None, error: ServiceError = NO_ERROR_BODY
    ) -> None:
        """The attempts are used up."""
        run = work.run
        self.ledger.record(
            FailedEvent(
                at=self.ledger.clock.stamp(),
                key=run.key,
                n=work.n,
                name=run.name,
                status=status,
                code=error.code,
                message=error.message,
                field=error.field,
                suggestion=error.suggestion,
                point=msgspec.Raw(run.point_json),
            )
        )
        self.tally.move(before, Outcome.FAILED)
        self.backlog.retire()
        self.check_failures()

    def check_failures(self) -> None:
        """Stop when more runs than allowed ended badly."""
        bound = self.settings.stop_after_failures
        bad = self.tally.ended_badly
        if bound is None or not _is_too_many(bad, bound, self.tally):
            return
        fact = f"{bad:,} runs were rejected or failed, and stop_after_failures is {_said(bound)}"
        fix = "look at them with batchrun status --failed, then resume with --retry rejected,failed"
        self.switch.pull(StopReason.FAILURES, Problem("submit", fact, fix))


MIN_ENDED_FOR_SHARE = 20
"""A share of fewer ended runs says little."""


def _is_too_many(bad: int, bound: float, tally: Tally) -> bool:
    if bound >= 1:
        return bad >= bound
    ended = bad + tally.outcomes[Outcome.SUBMITTED]
    return ended >= min(MIN_ENDED_FOR_SHARE, tally.planned) and bad > 0 and bad >= bound * ended


def _said(bound: float) -> str:
    return f"{bound:g}" if bound >= 1 else f"{bound:.0%}"
