"""From what a person names to a plan."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from batchrun.engine.resume import Difference, difference, plan_of
from batchrun.errors import ManifestError, UsageError
from batchrun.ledger.fold import BatchState
from batchrun.ledger.reader import read_state
from batchrun.sweep.manifest.manifest import Manifest, Overrides
from batchrun.sweep.plan import Plan, build_plan, read_plan

__all__ = ["default_ledger", "difference_to", "earlier_keys", "overrides_from", "plan_from"]

PLAN_SUFFIX = ".jsonl"
LEDGER_SUFFIX = ".ledger.jsonl"


def plan_from(path: Path, overrides: Overrides, environ: Mapping[str, str], *, resolve: bool) -> Plan:
    """The plan of a manifest, or a plan written earlier. ``resolve`` fills in the values of the environment.

    Raises:
        UsageError: it cannot be planned, or is no sweep; every problem of a stage at once.

    """
    if path.name.endswith(LEDGER_SUFFIX):
        raise UsageError(str(path), "this is a ledger, not a sweep", f"did you mean batchrun resume {path}?")
    if path.suffix != PLAN_SUFFIX:
        return build_plan(Manifest.load(path, overrides, environ=environ), environ=environ if resolve else None)
    if overrides != Overrides():
        raise UsageError(str(path), "a plan is fixed; nothing can be laid over it", "plan again from the manifest")
    return read_plan(path)


def difference_to(plan: Plan, ledger: Path, environ: Mapping[str, str]) -> Difference:
    """How a plan differs from the batch in a ledger.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    state = read_state(ledger)
    return difference(plan, state, earlier_keys(state, ledger, environ))


def earlier_keys(state: BatchState, ledger: Path, environ: Mapping[str, str]) -> set[str] | None:
    """The keys of the ledger's own plan; None where it cannot be made again, as when a data file has changed."""
    if state.batch is None:
        return None
    try:
        earlier = plan_of(state.batch, ledger, environ)
        return {run.key for run in earlier} if earlier.sha256 == state.batch.plan_sha256 else None
    except ManifestError:
        return None


def default_ledger(sweep: Path) -> Path:
    """Where the ledger of a sweep is: beside it, under its name."""
    return sweep.with_name(sweep.name.removesuffix(sweep.suffix) + LEDGER_SUFFIX)


def overrides_from(
    *,
    set_: Sequence[str] | None,
    axis: Sequence[str] | None,
    where: Sequence[str] | None,
    sample: int | None,
    seed: int | None,
    max_points: int | None,
) -> Overrides:
    """What the command line lays over the manifest."""
    return Overrides(
        set=tuple(set_ or ()),
        axis=tuple(axis or ()),
        where=tuple(where or ()),
        sample=sample,
        seed=seed,
        max_points=max_points,
    )
