"""Each law of submission, broken at run time, to show that the harness notices."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from msgspec import structs

from batchrun.engine import evidence
from batchrun.engine.evidence import Fit, Sought
from batchrun.engine.listing import scan
from batchrun.engine.sending import attempt
from batchrun.engine.sending.backlog import Work
from batchrun.engine.sending.settle_queue import SettleQueue
from batchrun.engine.verdicts import NextStep, Verdict, judge
from batchrun.ledger import fold
from batchrun.ledger.events import AttemptEvent, BatchEvent
from batchrun.ledger.file import FileLedger
from batchrun.wherobots.answers import Answer
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.summaries import RunSummary, RunSummaryPage

__all__ = ["SHOWN_BY", "WEAKNESSES", "weaken"]


def send_before_durable() -> None:
    """The attempt is noted, and its POST leaves without waiting for the disk."""

    async def attempted(self: FileLedger, key: str, n: int, name: str = "", generation: int = 1) -> None:
        self.record(AttemptEvent(at=self.clock.stamp(), key=key, n=n, name=name, generation=generation))

    FileLedger.attempted = attempted  # type: ignore[method-assign]  # the weakness


def retry_without_settling() -> None:
    """An attempt whose answer was lost is simply sent again."""

    def judged(answer: Answer, *, may_exist: bool) -> Verdict:
        verdict = judge(answer, may_exist=may_exist)
        return replace(verdict, next_step=NextStep.RETRY) if verdict.next_step is NextStep.SETTLE else verdict

    attempt.judge = judged  # type: ignore[attr-defined]  # a name that the module imported


def settle_by_substring() -> None:
    """A run in whose name the wanted name occurs is taken as the wanted one."""
    sought: set[str] = set()
    put, list_page = SettleQueue.put, RunsClient.list_page

    def noting(self: SettleQueue, work: Work) -> None:
        sought.add(work.name)
        put(self, work)

    async def renaming(self: RunsClient, **query: Any) -> RunSummaryPage:
        page = await list_page(self, **query)
        items = [
            structs.replace(run, name=next((one for one in sought if one in (run.name or "")), run.name))
            for run in page.items
        ]
        return structs.replace(page, items=items)

    SettleQueue.put = noting  # type: ignore[method-assign]  # the weakness
    RunsClient.list_page = renaming  # type: ignore[method-assign]  # the weakness
    adopt_by_name_alone()


def adopt_by_name_alone() -> None:
    """A run of the right name is taken as ours, whatever its payload, its age, and whoever has its id."""

    def fits(
        listed: RunSummary,
        sought: Sought,
        *,
        is_taken: Callable[[str], bool],
        is_of_another: Callable[[str], bool] = lambda _: False,
    ) -> Fit:
        del is_taken, is_of_another
        return Fit.OURS if sought.name == listed.name else Fit.OTHER

    list_page = RunsClient.list_page

    async def of_any_age(self: RunsClient, **query: Any) -> RunSummaryPage:
        return await list_page(self, **query | {"created_after": None})

    evidence.fit = fits
    RunsClient.list_page = of_any_age  # type: ignore[method-assign]  # the weakness


def absence_without_total() -> None:
    """A list that ended early is taken for a whole one."""
    scan.is_complete = lambda *_, **__: True  # type: ignore[attr-defined]  # a name that the module imported


def forget_on_extend() -> None:
    """What leaves the plan is no longer known to the ledger."""
    apply = fold._APPLY[BatchEvent]

    def forgetting(state: fold.BatchState, event: BatchEvent) -> None:
        apply(state, event)
        for key in event.gone:
            if (run := state.runs.pop(key, None)) is not None:
                state.gone[run.outcome] -= 1

    fold._APPLY[BatchEvent] = forgetting


WEAKNESSES: dict[str, Callable[[], Any]] = {
    "send-before-durable": send_before_durable,
    "retry-without-settling": retry_without_settling,
    "settle-by-substring": settle_by_substring,
    "adopt-by-name-alone": adopt_by_name_alone,
    "absence-without-total": absence_without_total,
    "forget-on-extend": forget_on_extend,
}

SHOWN_BY: dict[str, tuple[str, ...]] = {
    "send-before-durable": (),
    "retry-without-settling": (),
    "settle-by-substring": (),
    "adopt-by-name-alone": ("strangers",),
    "absence-without-total": ("short",),
    "forget-on-extend": ("extent",),
}
"""The neighbours that take part where a weakness is to show."""


def weaken(name: str) -> None:
    """Break one law in this process."""
    WEAKNESSES[name]()
