"""The summary of a ledger: counts, reasons, sessions and rates, as one frozen value."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchrun.errors import LedgerFormatError
from batchrun.ledger.events import BatchEvent, SessionEvent
from batchrun.ledger.fold import BatchState, Outcome, fold
from batchrun.ledger.reader import read_events
from batchrun.report.notebook import summary_html
from batchrun.report.reasons import FailedRun, Reason, failed_runs, reasons
from batchrun.report.submission_rate import SubmissionRate
from batchrun.report.writer_state import WriterState, writer_state

__all__ = ["EXISTING", "Summary", "read_summary"]

EXISTING = (Outcome.SUBMITTED, Outcome.UNKNOWN)
"""Outcomes of which a run exists, or may exist, at the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A batch according to its ledger. The outcomes add up to ``planned``."""

    name: str
    batch_id: str
    base_url: str
    planned: int
    outcomes: dict[Outcome, int]
    under_way: int
    """In-flight attempts of a running session; their runs count as unknown until the response is recorded."""
    reasons: tuple[Reason, ...]
    failed_runs: tuple[FailedRun, ...]
    """Every run that was rejected or failed."""
    attempts: int
    refused: dict[str, int]
    """Attempts refused temporarily (rate limit, quota, conflict), by error code or HTTP status."""
    settled: int
    """Runs found by listing after their response was lost."""
    duplicates: dict[str, list[str]]
    """Ids of additional runs with the same name that settling found, by key."""
    gone: dict[Outcome, int]
    """Runs that exist, or may exist, and that the plan no longer contains."""
    run_status: dict[str, int]
    """Submitted runs by the last status that the ledger holds."""
    sessions: int
    session: SessionEvent | None
    writer: WriterState
    began_at: str | None
    last_at: str | None
    session_s: float
    """Seconds from the start of the latest session to the last event in the ledger."""
    session_submitted: int
    rate_per_s: float
    """Runs submitted per second: over the last few seconds of a running session, otherwise over all of the latest one."""

    @property
    def is_complete(self) -> bool:
        """Whether every planned run is submitted."""
        return self.outcomes[Outcome.SUBMITTED] == self.planned

    def json(self) -> dict[str, Any]:
        return {
            "batch": self.name,
            "batch_id": self.batch_id,
            "base_url": self.base_url,
            "planned": self.planned,
            "outcomes": {outcome.value: count for outcome, count in self.outcomes.items()},
            "under_way": self.under_way,
            "reasons": [reason.json() for reason in self.reasons],
            "attempts": self.attempts,
            "refused": self.refused,
            "settled": self.settled,
            "duplicates": self.duplicates,
            "gone": {outcome.value: count for outcome, count in self.gone.items()},
            "run_status": self.run_status,
            "sessions": self.sessions,
            "writing": self.writer.value,
            "last_session": self._session_json(),
            "began_at": self.began_at,
            "last_at": self.last_at,
        }

    def _repr_html_(self) -> str:
        """For notebooks: the counts as a table."""
        return summary_html(self.name, self.planned, self.outcomes, self.run_status)

    def _session_json(self) -> dict[str, Any] | None:
        if self.session is None:
            return None
        return {
            "pid": self.session.pid,
            "host": self.session.host,
            "action": self.session.action,
            "reason": self.session.reason,
            "seconds": round(self.session_s, 3),
            "submitted": self.session_submitted,
            "rate_per_s": round(self.rate_per_s, 3),
        }


def read_summary(path: str | Path) -> Summary:
    """Read the summary of a ledger file; works while it is being written, and on read-only media.

    Raises:
        LedgerError: the file cannot be read, is not a ledger of this format, or is damaged.

    """
    path = Path(path)
    state, rate = BatchState(), SubmissionRate()
    for event in read_events(path):
        fold(state, event)
        rate.add(event)
    if state.batch is None:
        raise LedgerFormatError(str(path), "the ledger is empty", "submit the sweep again")
    return _summary(state, rate, writer_state(path, state.session), state.batch)


def _summary(state: BatchState, rate: SubmissionRate, writer: WriterState, batch: BatchEvent) -> Summary:
    is_running = writer is WriterState.RUNNING
    return Summary(
        name=batch.name,
        batch_id=batch.batch_id,
        base_url=batch.base_url,
        planned=batch.runs,
        outcomes={outcome: state.count(outcome) for outcome in Outcome},
        under_way=state.open_attempts if is_running else 0,  # without a writer they are simply unknown
        reasons=reasons(state, is_running=is_running),
        failed_runs=tuple(failed_runs(state)),
        attempts=state.attempts,
        refused=dict(state.refusals),
        settled=state.settled,
        duplicates=dict(state.duplicates),
        gone={outcome: state.gone[outcome] for outcome in EXISTING if state.gone[outcome]},
        run_status=_by_status(state),
        sessions=state.sessions,
        session=state.session,
        writer=writer,
        began_at=state.first_at,
        last_at=state.last_at,
        session_s=rate.seconds(state.last_at),
        session_submitted=rate.submitted,
        rate_per_s=rate.recent_per_s(time.time()) if is_running else rate.per_s(state.last_at),
    )


def _by_status(state: BatchState) -> dict[str, int]:
    """Submitted runs by the last status that the ledger holds."""
    runs = state.runs.values()
    return dict(Counter(run.status for run in runs if run.status is not None and run.outcome is Outcome.SUBMITTED))
