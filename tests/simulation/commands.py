"""What the other commands do with a batch: the library's functions behind them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from batchrun.engine.batch import plan_of
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.reconciling.decisions import Choice, Decision, adoptable, objections
from batchrun.engine.reconciling.recover import recover
from batchrun.engine.reconciling.resolve import find_undecided, resolve
from batchrun.engine.reconciling.undecided import UndecidedRun
from batchrun.engine.rerun import refusals, request_rerun
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.settle_only import settle
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState
from batchrun.ledger.reader import read_batch
from batchrun.ledger.statuses import has_ended
from batchrun.sweep.manifest.overlay import rerun_settings
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.tracking.cancel import Target, cancel_runs
from batchrun.tracking.reading import Reader
from tests.simulation.clock import CLOCK
from tests.simulation.events import Act, Command
from tests.simulation.process import Process
from tests.simulation.service import HeldRun

__all__ = ["Commanding"]


@dataclass(slots=True)
class Commanding:
    """One command."""

    event: Command
    resent: dict[str, list[HeldRun]] = field(default_factory=dict)
    """Runs of keys that a person decides to send again although these exist, or will."""
    adopted: list[HeldRun] = field(default_factory=list)
    """Runs that a person adopts although they are another batch's."""
    doubted: set[str] = field(default_factory=set)
    """Names of planned runs about which ``recover`` says that it could not find out everything."""

    async def __call__(self, process: Process) -> str:
        match self.event.act:
            case Act.FOLLOW:
                return await self._follow(process)
            case Act.CANCEL:
                return await self._cancel(process)
            case Act.RERUN:
                return await self._rerun(process)
            case Act.SETTLE:
                return await self._settle(process)
            case Act.RECOVER:
                return await self._recover(process)
            case Act.RESOLVE | Act.RESOLVE_HASTILY:
                return await self._resolve(process)

    def _is_chosen(self, process: Process) -> bool:
        return process.chance.random() < self.event.share

    async def _follow(self, process: Process) -> str:
        async with process.client() as client:
            follower = await BatchFollower.open(
                process.path,
                client,
                wait_for_read=pacer_for(client, SubmitSettings(), BatchState()).wait_for_read,
                on_change=lambda _: None,
                on_note=process.notes.append,
            )
            await follower.look_once()
            return f"followed: {dict(follower.statuses)}"

    async def _cancel(self, process: Process) -> str:
        with FileLedger.open(process.path) as ledger:
            targets = [
                Target(key=key, run_id=run.run_id, name=run.name or "")
                for key, run in ledger.state.runs.items()
                if run.run_id is not None and not has_ended(run.status) and self._is_chosen(process)
            ]
            async with process.client() as client:
                reader = Reader(pacer_for(client, SubmitSettings(), ledger.state).wait_for_read)
                done = await cancel_runs(ledger, client, targets, reader=reader)
        return f"cancelled: {len(done.requested)}, ended before: {len(done.had_ended)}, not: {len(done.problems)}"

    async def _rerun(self, process: Process) -> str:
        texts = [f"run.timeout={self.event.timeout_s}s"] if self.event.timeout_s is not None else []
        with FileLedger.open(process.path) as ledger:
            state = ledger.state
            keys = [key for key in state.runs if not refusals([key], state) and self._is_chosen(process)]
            await request_rerun(ledger, keys, rerun_settings(texts))
        return f"to be run again: {len(keys)}"

    async def _settle(self, process: Process) -> str:
        settings = SubmitSettings(settle_after_s=process.service.habits.settle_after_s)
        with FileLedger.open(process.path) as ledger:
            async with process.client() as client:
                ended = await settle(ledger, client, settings=settings)
        return f"settled: {ended.progress.unknown} unknown"

    async def _recover(self, process: Process) -> str:
        async with process.client() as client:
            found = await recover(
                process.sweep.plan(), client, process.path, settle_after_s=process.service.habits.settle_after_s
            )
        self.doubted = {claim.planned.name for claim in found.doubtful}.union(found.unchecked)
        return f"recovered: {found.recovered}, {found.pending} pending, {len(found.doubtful)} doubtful, {len(found.unchecked)} unchecked"

    async def _resolve(self, process: Process) -> str:
        plan = plan_of(read_batch(process.path), process.path, {}, resolve=False)
        with FileLedger.open(process.path) as ledger:
            async with process.client() as client:
                runs = await find_undecided(ledger, client, plan=plan)
            decide = self._decided if self.event.act is Act.RESOLVE else self._hastily
            choices = [
                choice
                for run in runs
                if self._is_chosen(process)
                for choice in decide(process, run)
                if not list(objections([choice]))
            ]
            for choice in choices:
                self._remember(process, choice)
            await resolve(ledger, choices)
        made = [f"{choice.run.name}: {choice.decision}" for choice in choices]
        return f"resolved: {', '.join(made)}"

    @staticmethod
    def _own(process: Process, run: UndecidedRun) -> list[HeldRun]:
        """What the run's attempts made, or will have made."""
        owner = process.path.name, run.key, run.generation
        return [held for held in process.service.runs if held.owner == owner and CLOCK.now_s < held.deleted_s]

    def _decided(self, process: Process, run: UndecidedRun) -> Iterator[Choice]:
        """By somebody who knows the truth."""
        ids = {held.id for held in self._own(process, run)}
        if not ids:
            is_sent = process.chance.random() < 0.7
            yield Choice(run=run, decision=Decision.RESEND if is_sent else Decision.DROP, not_ours=is_sent)
        elif shown := [held for held in run.held if held.run_id in ids and not held.is_foreign]:
            yield Choice(run=run, decision=Decision.ADOPT, adopted=shown[0])

    @staticmethod
    def _hastily(_: Process, run: UndecidedRun) -> Iterator[Choice]:
        """By somebody who believes what is shown."""
        if (held := adoptable(run)) is not None:
            yield Choice(run=run, decision=Decision.ADOPT, adopted=held)
        elif not run.doubt:
            yield Choice(run=run, decision=Decision.RESEND)

    def _remember(self, process: Process, choice: Choice) -> None:
        own = self._own(process, choice.run)
        if choice.decision is not Decision.ADOPT:
            self.resent[choice.run.key] = own
        elif choice.adopted is not None and choice.adopted.run_id not in {held.id for held in own}:
            self.resent[choice.run.key] = own
            self.adopted += [held for held in process.service.runs if held.id == choice.adopted.run_id]
