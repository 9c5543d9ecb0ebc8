"""Check, without the network and before anything is sent, that this ledger may be continued with this plan at this service."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batchrun.engine.batch import earlier_keys
from batchrun.engine.preflight.difference import Difference, created_points, difference, is_changed
from batchrun.engine.sending.resume import RETRIABLE
from batchrun.errors import LedgerMismatchError, SweepChangedError, UsageError
from batchrun.ledger.events import BatchEvent
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.redaction import LEAST_LENGTH, Secrets
from batchrun.sweep.plan import Plan
from batchrun.wherobots.settings import is_same_service

__all__ = ["Preflight", "check_ledger", "check_plan", "check_service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """A batch's state before a session, and what the session would do. The outcomes add up to the plan."""

    outcomes: dict[Outcome, int]
    to_send: int
    to_settle: int
    is_new: bool
    """The ledger does not contain a batch yet."""
    service_changed: bool
    """The ledger's batch moves to another service."""
    target_changed: bool
    """The ledger's batch moves to another plan, or to another service."""
    to_check: int = 0
    """Submitted runs that were sent more than once, and whose names have not been looked for once more."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return not self.is_new and self.to_send + self.to_settle + self.to_check == 0

    def describe(self) -> str:
        """The outcomes so far, and what is left to do."""
        so_far = [f"{count:,} {outcome.value}" for outcome, count in self.outcomes.items() if count]
        left = [f"{self.to_send:,} to send"] if self.to_send else []
        left += [f"{self.to_settle:,} to settle"] if self.to_settle else []
        return "; ".join(filter(None, [", ".join(so_far), ", ".join(left)]))


def check_plan(plan: Plan, api_key: str = "") -> None:
    """Refuse a plan that must not be sent as it is.

    Raises:
        UsageError: a placeholder of the environment was not resolved when the plan was built, or the manifest contains the
            API key, and the ledger would keep it.

    """
    manifest = plan.manifest
    if manifest is not None and len(api_key) >= LEAST_LENGTH:
        # The ledger keeps all three, so that the plan can be rebuilt from it.
        texts = (manifest.text, (manifest.stdin or b"").decode(errors="replace"), str(manifest.overrides.to_json()))
        if any(Secrets([api_key]).are_in(text) for text in texts):
            fact = "the manifest contains the API key, which would be kept in the ledger and sent in every payload"
            raise UsageError(plan.name, fact, "remove it; jobs get credentials from their environment")
    if plan.unresolved:
        fact = f"environment variables were not resolved: {', '.join(plan.unresolved)}"
        raise UsageError(plan.name, fact, "build the plan with build_plan(manifest, environ=os.environ)")


def check_ledger(
    plan: Plan,
    state: BatchState,
    ledger: Path,
    *,
    service: str,
    extend: bool = False,
    recreate: bool = False,
    to_another_server: bool = False,
    retry: frozenset[Outcome] = frozenset(),
    environ: Mapping[str, str] = os.environ,
) -> Preflight:
    """Compare a plan with the batch in a ledger, and count what is left to do.

    ``service`` is the base URL as the ledger records it. ``extend`` allows another plan, ``recreate`` one that creates
    points again under another payload, ``to_another_server`` another service; ``retry`` names the outcomes that are to be
    sent again.

    Raises:
        LedgerMismatchError: the ledger belongs to another service or another plan, and that was not allowed.
        UsageError: ``retry`` names an outcome that cannot be retried.

    """
    # A submitted run cannot be retried: sent again under its name, it would be billed twice. That is what rerun is for.
    if strange := retry - RETRIABLE:
        names = ", ".join(sorted(outcome.value for outcome in strange))
        raise UsageError("retry", f"{names} runs cannot be retried", "use rejected, failed, or both")
    batch = state.batch
    if batch is None:
        return _counted(plan, state, retry)
    moves = not is_same_service(batch.base_url, service)
    if moves and state.has_runs:  # a mistyped URL that nothing was created at must not pin the ledger
        _check_service(state, batch, service, to_another_server=to_another_server)
    # The comparison rebuilds the earlier plan, which takes long: only where the hashes differ.
    if not is_changed(plan, batch):
        return _counted(plan, state, retry, service_changed=moves)
    changed = difference(plan, state, earlier_keys(state, ledger, environ), created=created_points(ledger, state))
    if not extend or (changed.recreated and not recreate):
        raise _sweep_changed(changed, ledger, plan, extend=extend)
    return _counted(plan, state, retry, plan_changed=True, service_changed=moves)


def check_service(state: BatchState, service: str) -> None:
    """Refuse to look for a batch's runs at a different service.

    Raises:
        LedgerMismatchError: the batch has runs, and they are not there.

    """
    batch = state.batch
    if batch is not None and state.has_runs and not is_same_service(batch.base_url, service):
        _check_service(state, batch, service, to_another_server=False)


def _check_service(state: BatchState, batch: BatchEvent, service: str, *, to_another_server: bool) -> None:
    """A batch without any run may move freely; one with unknown runs not at all, since only its own service knows them."""
    if not to_another_server:
        fact = f"the batch was submitted to {batch.base_url}, not to {service}"
        fix = "use that --base-url, or allow the change with --to-another-server"
        raise LedgerMismatchError(batch.name, fact, fix)
    if state.unknown:
        fact = f"{state.unknown:,} runs may exist at {batch.base_url}, which {service} cannot confirm"
        fix = "settle them at the first service before you move the batch, or resolve them with batchrun resolve"
        raise LedgerMismatchError(batch.name, fact, fix)


def _counted(
    plan: Plan,
    state: BatchState,
    retry: frozenset[Outcome],
    *,
    plan_changed: bool = False,
    service_changed: bool = False,
) -> Preflight:
    if plan_changed:  # who is planned changes with the plan
        known = Counter(run.outcome for one in plan if (run := state.runs.get(one.key)) is not None)
        outcomes = {outcome: known[outcome] for outcome in Outcome}
    else:
        outcomes = dict(state.counts)
    outcomes[Outcome.PENDING] = plan.runs - sum(
        count for outcome, count in outcomes.items() if outcome is not Outcome.PENDING
    )
    return Preflight(
        outcomes=outcomes,
        to_send=outcomes[Outcome.PENDING] + sum(outcomes[outcome] for outcome in retry),
        to_settle=state.unknown,  # also of runs that left the plan: they may exist, and cost money
        to_check=len(state.to_check),
        is_new=state.batch is None,
        service_changed=service_changed,
        target_changed=plan_changed or service_changed,
    )


def _sweep_changed(found: Difference, ledger: Path, plan: Plan, *, extend: bool) -> SweepChangedError:
    fact = f"the sweep differs from the one in this ledger: {found.describe()}"
    fix = "continue with --extend, or start another batch with --ledger PATH"
    if found.recreated:
        points = "one of these points was" if found.recreated == 1 else f"{found.recreated:,} of these points were"
        fact += f"; {points} already created with a different payload, and would run and be billed again"
        flags = "--recreate" if extend else "--extend --recreate"
        fix = f"undo the change, allow it with {flags}, or start another batch with --ledger PATH"
    if found.files and set(found.files) <= {upload.file.path for upload in plan.uploads}:
        fix += f"; batchrun resume {ledger} finishes it with the version that it began with"
    return SweepChangedError(str(ledger), fact, fix)
