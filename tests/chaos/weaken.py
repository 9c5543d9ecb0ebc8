"""Each law of submission, broken at run time, to show that the harness notices."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from batchrun.engine import attempt
from batchrun.engine.settle import Settler
from batchrun.engine.verdicts import NextStep, Verdict, judge
from batchrun.ledger.events import AttemptEvent
from batchrun.ledger.file import FileLedger
from batchrun.wherobots.answers import Answer
from batchrun.wherobots.summaries import RunSummary

__all__ = ["WEAKNESSES", "weaken"]


def send_before_durable() -> None:
    """The attempt is noted, and its POST leaves without waiting for the disk."""

    async def attempted(self: FileLedger, key: str, n: int) -> None:
        self.record(AttemptEvent(at=self.clock.stamp(), key=key, n=n))

    FileLedger.attempted = attempted  # type: ignore[method-assign]


def retry_without_settling() -> None:
    """An attempt whose answer was lost is simply sent again."""

    def judged(answer: Answer, *, may_exist: bool) -> Verdict:
        verdict = judge(answer, may_exist=may_exist)
        return replace(verdict, next_step=NextStep.RETRY) if verdict.next_step is NextStep.SETTLE else verdict

    attempt.judge = judged  # type: ignore[attr-defined]


def settle_by_substring() -> None:
    """A run in whose name the wanted name occurs is taken as the wanted one."""

    def matching(self: Settler, listed: Iterable[RunSummary]) -> dict[str, list[RunSummary]]:
        runs, names = list(listed), [case.work.run.name for case in self._queue.due(float("inf"))]
        found = {name: [run for run in runs if name in (run.name or "")] for name in names}
        return {name: runs for name, runs in found.items() if runs}

    Settler._matching = matching  # type: ignore[method-assign]


WEAKNESSES: dict[str, Callable[[], Any]] = {
    "send-before-durable": send_before_durable,
    "retry-without-settling": retry_without_settling,
    "settle-by-substring": settle_by_substring,
}


def weaken(name: str) -> None:
    """Break one law in this process."""
    WEAKNESSES[name]()
