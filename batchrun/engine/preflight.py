"""May this ledger be continued with this plan, at this service, with this key? Asked before the first POST."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from batchrun.engine.batch import earlier_keys
from batchrun.engine.difference import Difference, difference, is_changed
from batchrun.engine.stopping import Stop, StopReason, refusal_stop
from batchrun.engine.verdicts import NextStep, judge_read
from batchrun.errors import ApiError, LedgerMismatchError, Problem, UsageError
from batchrun.ledger.events import BatchEvent
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.sweep.plan import Plan
from batchrun.wherobots.answers import Refused
from batchrun.wherobots.client import RunsClient

__all__ = ["Preflight", "check_ledger", "check_plan", "check_service"]

REACH_ATTEMPTS = 3
REACH_PAUSE_S = 1.0
"""A service that is restarting, or a laptop whose network is waking up, is given this many chances, this far apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """Where a batch is before a session, and what the session would do. The outcomes add up to the plan."""

    outcomes: dict[Outcome, int]
    to_send: int
    to_settle: int
    is_new: bool
    """The ledger holds no batch yet."""
    target_changed: bool
    """The ledger's batch moves to another plan, or to another service."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return not self.is_new and self.to_send + self.to_settle == 0

    def describe(self) -> str:
        """The outcomes so far, and what is left to do."""
        so_far = [f"{count:,} {outcome.value}" for outcome, count in self.outcomes.items() if count]
        left = [f"{self.to_send:,} to send"] if self.to_send else []
        left += [f"{self.to_settle:,} to find out about"] if self.to_settle else []
        return "; ".join(filter(None, [", ".join(so_far), ", ".join(left)]))


def check_plan(plan: Plan) -> None:
    """Refuse a plan that must not be sent as it is.

    Raises:
        UsageError: a placeholder of the environment was not resolved when the plan was built.

    """
    if plan.unresolved:
        fact = f"the environment was not resolved: {', '.join(plan.unresolved)}"
        raise UsageError(plan.name, fact, "build the plan with build_plan(manifest, environ=os.environ)")


def check_ledger(
    plan: Plan,
    state: BatchState,
    ledger: Path,
    *,
    service: str,
    extend: bool = False,
    to_another_server: bool = False,
    retry: frozenset[Outcome] = frozenset(),
    environ: Mapping[str, str] = os.environ,
) -> Preflight:
    """Compare a plan with the batch in a ledger, and count what is left to do.

    ``service`` is the base URL as the ledger records it. ``extend`` allows another plan, ``to_another_server`` another
    service; ``retry`` names the outcomes that are to be sent again.

    Raises:
        LedgerMismatchError: the ledger belongs to another service or another plan, and that was not allowed.

    """
    batch = state.batch
    if batch is None:
        return _counted(plan, state, retry)
    if not to_another_server:
        _check_service(batch, service)
    if not is_changed(plan, batch):
        return _counted(plan, state, retry, target_changed=batch.base_url != service)
    changed = difference(plan, state, earlier_keys(state, ledger, environ))
    if not extend or changed.unknown_gone:
        raise _sweep_changed(changed, ledger)
    return _counted(plan, state, retry, gone=changed.gone_keys, target_changed=True)


def _check_service(batch: BatchEvent, service: str) -> None:
    if batch.base_url != service:
        fact = f"the batch was submitted to {batch.base_url}, not to {service}"
        fix = "use that --base-url, or allow the other one with --to-another-server"
        raise LedgerMismatchError(batch.name, fact, fix)


def _counted(
    plan: Plan,
    state: BatchState,
    retry: frozenset[Outcome],
    *,
    gone: tuple[str, ...] = (),
    target_changed: bool = False,
) -> Preflight:
    outcomes = dict(state.counts)
    for key in gone:
        if key in state.runs:
            outcomes[state.outcome(key)] -= 1
    outcomes[Outcome.PENDING] = plan.runs - sum(
        count for outcome, count in outcomes.items() if outcome is not Outcome.PENDING
    )
    return Preflight(
        outcomes=outcomes,
        to_send=outcomes[Outcome.PENDING] + sum(outcomes[outcome] for outcome in retry),
        to_settle=outcomes[Outcome.UNKNOWN],
        is_new=state.batch is None,
        target_changed=target_changed,
    )


def _sweep_changed(found: Difference, ledger: Path) -> LedgerMismatchError:
    fact = f"the sweep differs from the one in this ledger: {found.describe()}"
    fix = "continue with --extend, or start another batch with --ledger PATH"
    if found.unknown_gone:
        fact += f"; {found.unknown_gone:,} of the removed runs are unknown and may exist"
        fix = f"settle them first: batchrun resume {ledger}"
    return LedgerMismatchError(str(ledger), fact, fix)


async def check_service(client: RunsClient) -> Stop | None:
    """List one run, to learn whether the key is accepted and what time it is at the service.

    Returns why the batch cannot start, or None.
    """
    for attempt in range(1, REACH_ATTEMPTS + 1):
        try:
            await client.list_page(size=1)
        except ApiError as error:
            if error.http_status is None and client.clock.offset_s is None:
                if attempt == REACH_ATTEMPTS:
                    fix = "check the base URL and the network, then resume"
                    return Stop(StopReason.UNREACHABLE, Problem(client.settings.base_url, error.problems[0].fact, fix))
                await anyio.sleep(REACH_PAUSE_S)
                continue
            if judge_read(error).next_step is NextStep.STOP:
                return refusal_stop(Refused(error.trouble), client.settings.base_url)
        return None
    return None
