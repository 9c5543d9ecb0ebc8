"""The fix of one cause taken out, to show that the simulation would have found it. Each breaks one rule in this process."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from batchrun.engine import evidence
from batchrun.engine.evidence import Fit
from batchrun.engine.generations import Generations
from batchrun.engine.preflight import strangers
from batchrun.engine.preflight.service_check import ServiceCheck
from batchrun.engine.sending import attempt, resume, settle
from batchrun.ledger import compact, fold
from batchrun.ledger.events import CancelEvent, Event, FailedEvent, ForeignEvent, RejectedEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome
from tests.chaos.weaken import WEAKNESSES

__all__ = ["MUTANTS", "break_rule"]


def literal_environment() -> None:
    """Settling compares with the payload of today's environment, and takes no value for a wildcard."""
    sought = settle.Settler._sought

    def of_today(self: Any, work: Any) -> Any:
        found = sought(self, work)
        return found if work.planned is None else replace(found, body=work.planned.body)

    settle.Settler._sought = of_today  # type: ignore[method-assign]  # the broken rule


def stepping_clock() -> None:
    """Attempts are dated by the wall clock, while the server's offset is that of a clock which never steps."""
    attempt.steady_now = time.time  # type: ignore[attr-defined]  # a name that the module imported


def odd_is_absent() -> None:
    """A run of the right name and another payload is taken for another run."""
    fit = evidence.fit

    def fits(*args: Any, **kwargs: Any) -> Fit:
        found = fit(*args, **kwargs)
        return Fit.OTHER if found is Fit.ODD else found

    evidence.fit = fits


def no_look_before_sending() -> None:
    """A run that may exist is sent again without a look right before."""

    async def may_send(*_: Any) -> bool:
        return True

    settle.Settler.may_send = may_send  # type: ignore[method-assign,assignment]  # the broken rule


def no_last_look() -> None:
    """Names that were sent more than once are not looked for at the end of a session."""

    async def last_look(*_: Any) -> None: ...

    settle.Settler.last_look = last_look  # type: ignore[method-assign,assignment]  # the broken rule


def failed_forgets() -> None:
    """A run that failed is sent again as if none of its attempts could have created it."""
    apply = fold._APPLY[FailedEvent]

    def forgetting(state: BatchState, event: FailedEvent) -> None:
        apply(state, event)
        state.runs[event.key].since = None

    fold._APPLY[FailedEvent] = forgetting


def any_organization() -> None:
    """The key's organization is not asked for."""

    async def check(*_: Any) -> None: ...

    ServiceCheck._check_organization = check  # type: ignore[method-assign,assignment]  # the broken rule


def stale_copy() -> None:
    """Runs that the ledger does not know are not looked for."""

    async def unknown(*_: Any) -> list[Any]:
        return []

    ServiceCheck._unknown_to_ledger = unknown  # type: ignore[method-assign,assignment]  # the broken rule


def adopt_what_was_there() -> None:
    """Runs that existed before the batch's first attempt may be adopted."""
    fold._APPLY[ForeignEvent] = lambda *_: None


def cancel_before_durable() -> None:
    """A run is cancelled before the decision is durable."""
    record_durably = FileLedger.record_durably

    async def record(self: FileLedger, event: Event) -> None:
        if isinstance(event, CancelEvent):
            self.record(event)
        else:
            await record_durably(self, event)

    FileLedger.record_durably = record  # type: ignore[method-assign]  # the broken rule


def compaction_forgets() -> None:
    """Compacting a run that was rejected leaves out what was before it, also the runs before a rerun."""
    matters = compact._matters

    def only_the_end(event: Event, state: BatchState) -> bool:
        run = state.runs.get(getattr(event, "key", ""))
        is_over = run is not None and run.outcome is Outcome.REJECTED and run.since_s is None
        return isinstance(event, RejectedEvent) if is_over else matters(event, state)

    compact._matters = only_the_end


def generations_mixed() -> None:
    """A rerun is sent as the run before it was, under the same name."""
    Generations.planned = lambda self, run: run  # type: ignore[method-assign]  # noqa: ARG005 - the broken rule


def any_attempt_explains() -> None:
    """A lost attempt with an earlier payload explains a run with the present one that an older ledger does not know.

    Two rules notice it, each alone: preflight asks about the run, and its name is looked for before another one is sent.
    """
    strangers._is_sent_as = lambda *_: False
    resume.explained_names = lambda *_: iter(())  # type: ignore[attr-defined]  # a name that the module imported


MUTANTS: dict[str, Callable[[], Any]] = {
    "literal-environment": literal_environment,
    "stepping-clock": stepping_clock,
    "odd-is-absent": odd_is_absent,
    "no-look-before-sending": no_look_before_sending,
    "no-last-look": no_last_look,
    "failed-forgets": failed_forgets,
    "any-organization": any_organization,
    "stale-copy": stale_copy,
    "adopt-what-was-there": adopt_what_was_there,
    "cancel-before-durable": cancel_before_durable,
    "compaction-forgets": compaction_forgets,
    "generations-mixed": generations_mixed,
    "any-attempt-explains": any_attempt_explains,
    **WEAKNESSES,
}
"""By name, with those that the chaos harness has."""


@cache
def break_rule(name: str) -> None:
    """Break a rule once in this process; an empty name breaks none."""
    if name:
        MUTANTS[name]()
