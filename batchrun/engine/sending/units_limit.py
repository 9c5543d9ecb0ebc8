"""``stop_at_units``: a run is sent only if what it may use still fits; costs are fetched again before the batch stops."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Sized
from decimal import Decimal
from time import monotonic

import anyio
import anyio.to_thread

from batchrun.engine.generations import Generations
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import Reporter
from batchrun.engine.sending.backlog import Work
from batchrun.engine.sending.notifier import Notifier
from batchrun.engine.spending import Spending
from batchrun.engine.stopping import StopSwitch, ledger_stop, units_stop
from batchrun.errors import ApiError, LedgerWriteError, UsageError
from batchrun.ledger.events import Event
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import BatchState
from batchrun.sweep.plan import Plan
from batchrun.tracking.costs import CostReport, fetch_costs
from batchrun.tracking.reading import CallRefusedError, Reader
from batchrun.wherobots.account import Account
from batchrun.wherobots.billing import Billing
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.units import UnitsPerHour, units_of

__all__ = ["UnitsLimit", "known_units", "open_spending"]

LEAST_PATIENCE_S = 10.0
"""Seconds that settling gets beside what ``settle_after`` asks for: its lists are read at the reading rate."""
ASK_EVERY_S = 15.0
"""Seconds between two times that all costs are asked for: what is billed changes by the minute."""


async def known_units(runtimes: Sequence[str], client: RunsClient, reader: Reader) -> Mapping[str, UnitsPerHour]:
    """The units an hour of these runtimes, published or as the service says.

    Raises:
        UsageError: the units of a runtime are not known, so ``stop_at_units`` could not be enforced.

    """
    units, refusal = units_of(), ""
    if not units.keys() >= set(runtimes):
        try:
            units = units_of(await reader.read(Account(client).hints))
        except ApiError as error:
            refusal = f"; {error.problems[0].text()}"
        except CallRefusedError as refused:
            refusal = f"; {refused.error.problems[0].text()}"
    if unknown := sorted(set(runtimes) - units.keys()):
        fact = f"the spatial units per hour of {', '.join(unknown)} are not known{refusal}"
        raise UsageError("submit.stop_at_units", fact, "omit stop_at_units, or use runtimes whose units are known")
    return units


async def open_spending(
    limit: float | None,
    plan: Plan,
    state: BatchState,
    *,
    generations: Generations,
    client: RunsClient,
    pacer: Pacer,
) -> Spending | None:
    """What the batch has used so far, and may still use; None without a limit.

    Raises:
        UsageError: the plan has a runtime whose units are not known.

    """
    if limit is None:
        return None
    runtimes = {demand.runtime for demand in plan.demands}
    runtimes.update(run.payload.runtime.value for run in generations.runs.values())
    spending = Spending(
        Decimal(str(limit)), await known_units(sorted(runtimes), client, Reader(pacer.wait_for_read)), state
    )

    def bodies() -> Iterator[tuple[str, bytes]]:
        for planned in plan if state.runs else ():
            run = generations.planned(planned)
            yield run.key, run.body

    await anyio.to_thread.run_sync(lambda: spending.begin(bodies()))
    return spending


class UnitsLimit:
    """Lets runs through as long as they fit. Used between taking a run and giving it back."""

    def __init__(
        self,
        spending: Spending,
        *,
        client: RunsClient,
        ledger: FileLedger,
        reader: Reader,
        look: Callable[[], Awaitable[object]],
        to_settle: Sized,
        settle_after_s: float,
        reporter: Reporter,
        switch: StopSwitch,
    ) -> None:
        """``look`` learns the statuses of active runs: one that has ended counts as what it is billed."""
        self._spending = spending
        self._billing = Billing(client)
        self._ledger = ledger
        self._reader = reader
        self._look = look
        self._reporter = reporter
        self._switch = switch
        self._asking = anyio.Lock()
        self._asked_s: float | None = None
        self._is_refusal_noted = False
        self._under_way = 0
        self._to_settle = to_settle
        self._settle_for_s = 4 * settle_after_s + LEAST_PATIENCE_S
        self._settled_until_s: float | None = None
        self._change = Notifier()
        ledger.on_record = self._observe

    async def admit(self, work: Work) -> bool:
        """Hold what a run may use, until ``leave``; False: it does not fit, and the batch stops.

        While other runs are under way it waits for them: one that is refused leaves its share to the next. So does one
        that turns out not to exist: a batch that stopped at once could never settle anything.
        """
        body = work.run.body
        while not self._spending.hold(work.key, body):
            if self._under_way:
                await self._change.wait()
            elif not await self._makes_room(body):
                return False
        self._under_way += 1
        self._settled_until_s = None
        return True

    async def _makes_room(self, body: bytes) -> bool:
        """Whether there is room once it is known what was billed; one worker asks for all."""
        async with self._asking:
            # Asked again, now that it is this worker's turn: another one may have made room.
            if self._under_way or self._spending.fits(body) or await self._has_waited_for_settling():
                return True
            try:
                await self._ask()
            except LedgerWriteError as error:
                self._switch.pull(ledger_stop(error))
            if not self._under_way and not self._spending.fits(body):
                self._switch.pull(units_stop(self._spending, body))
        return not self._switch.is_pulled

    async def _has_waited_for_settling(self) -> bool:
        """Wait until something is settled, as long as that may take where lists can be read; False: there is nothing to wait for."""
        now = monotonic()
        self._settled_until_s = self._settled_until_s or now + self._settle_for_s
        if not len(self._to_settle) or now > self._settled_until_s:
            return False
        await self._change.wait(self._settled_until_s - now)
        return True

    def _observe(self, event: Event) -> None:
        self._spending.observe(event)
        self._change.notify()

    def leave(self, work: Work) -> None:
        """The run has been sent, or is not sent now."""
        self._under_way -= 1
        self._spending.release(work.key)
        self._change.notify()

    async def _ask(self) -> None:
        """Learn which runs have ended, and what they were billed."""
        if self._asked_s is not None:
            # The service bills with a delay: asked at once again, it would say the same.
            await anyio.sleep(max(0.0, self._asked_s + ASK_EVERY_S - monotonic()))
        await self._look()
        report = CostReport()
        runs = await anyio.to_thread.run_sync(self._spending.to_bill)
        stamp = self._ledger.clock.stamp
        async for event in fetch_costs(self._billing, runs, reader=self._reader, stamp=stamp, report=report):
            self._ledger.record(event)
        self._asked_s = monotonic()
        if report.problems and not self._is_refusal_noted:
            self._is_refusal_noted = True
            self._reporter.note(report.problems[0])
