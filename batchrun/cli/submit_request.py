"""What to submit: the request that ``submit``, ``resume`` and ``rerun`` build from their common options."""

from dataclasses import dataclass
from pathlib import Path

from batchrun.cli.flags import SubmissionFlags
from batchrun.engine.preflight.existing import Existing
from batchrun.engine.preflight.ledger_check import Preflight, check_ledger
from batchrun.engine.settings import SubmitSettings
from batchrun.ledger.state import BatchState, Outcome
from batchrun.sweep.plan import Plan

__all__ = ["SubmitRequest", "request_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRequest:
    """What to submit, where, and what the user allows."""

    plan: Plan
    ledger: Path
    service: str
    """The service's name in the ledger."""
    settings: SubmitSettings
    resume: tuple[str, ...]
    """The command that resumes the batch."""
    follow: tuple[str, ...] = ()
    """The command that follows its runs."""
    retry: frozenset[Outcome] = frozenset()
    timeout_s: float | None = None
    create: bool = True
    """Start a new ledger if there is none."""
    extend: bool = False
    recreate: bool = False
    existing: Existing = Existing.REFUSE
    """What to do about runs of planned names that the ledger does not know."""
    to_another_server: bool = False
    ask: bool = False
    dry_run: bool = False
    watch: bool = False
    """Follow the runs to their end, while they are created and afterwards."""
    rerun_failed: int = 0
    """How many times a run that failed or timed out is rerun; only while the runs are followed."""

    def check(self, state: BatchState) -> Preflight:
        """Whether this ledger may be continued, and what is left to do.

        Raises:
            LedgerMismatchError: it belongs to another service or another plan, and that was not allowed.

        """
        return check_ledger(
            self.plan,
            state,
            self.ledger,
            service=self.service,
            extend=self.extend,
            recreate=self.recreate,
            to_another_server=self.to_another_server,
            retry=self.retry,
        )


def request_from(flags: SubmissionFlags, plan: Plan, ledger: Path, service: str, *, yes: bool) -> SubmitRequest:
    """The request from these options; ``yes`` skips the confirmation.

    Raises:
        UsageError: an option's value cannot be used.

    """
    return SubmitRequest(
        plan=plan,
        ledger=ledger,
        service=service,
        settings=flags.settings(plan.submit),
        resume=flags.resume_command(ledger),
        follow=flags.watch_command(ledger),
        retry=flags.retried_outcomes,
        timeout_s=flags.timeout_s,
        existing=flags.existing,
        to_another_server=flags.to_another_server,
        ask=not yes,
        dry_run=flags.dry_run,
        watch=flags.watch,
        rerun_failed=flags.reruns,
    )
