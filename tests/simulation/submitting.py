"""What a session does: the public ``submit``."""

from dataclasses import dataclass

from batchrun.engine.preflight.existing import Existing
from batchrun.engine.progress import Progress
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.engine.submit import submit
from batchrun.errors import Problem
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from tests.simulation.events import Session
from tests.simulation.process import Process

__all__ = ["Submitting"]


@dataclass(frozen=True, slots=True)
class Submitting:
    """One session; ``existing`` is what the person decided about runs that the ledger does not know."""

    event: Session
    existing: Existing

    async def __call__(self, process: Process) -> str:
        event, switch = self.event, StopSwitch()
        process.on_interrupt = lambda: switch.pull(Stop(StopReason.INTERRUPTED, Problem("simulation", "Ctrl-C", "")))
        with FileLedger.open(process.path, create=True) as ledger:
            async with process.client() as client:
                submission = await submit(
                    process.sweep.plan(),
                    ledger,
                    client,
                    settings=SubmitSettings(
                        concurrency=event.concurrency,
                        rate=event.rate,
                        max_active=event.max_active,
                        max_attempts=event.max_attempts,
                        settle_after_s=process.service.habits.settle_after_s,
                        tag=event.tag,
                    ),
                    observer=_Notes(process),
                    switch=switch,
                    retry=frozenset(Outcome(outcome) for outcome in event.retry),
                    extend=True,
                    recreate=event.recreates,
                    existing=self.existing,
                )
        progress, stop = submission.progress, submission.stop
        stopped = f", stopped: {stop.reason} {stop.problem.fact}" if stop else ""
        return (
            f"ended: {progress.submitted} submitted, {progress.rejected} rejected, {progress.failed} failed, "
            f"{progress.unknown} unknown, {progress.pending} pending{stopped}"
        )


@dataclass(frozen=True, slots=True)
class _Notes:
    process: Process

    def progress(self, progress: Progress) -> None:
        """Nobody looks."""

    def note(self, note: Problem) -> None:
        self.process.notes.append(note)
