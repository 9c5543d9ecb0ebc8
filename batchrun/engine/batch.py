"""A batch as its ledger records it: how it begins, how it is extended, and how its plan is rebuilt from the ledger."""

import secrets
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from batchrun.engine.environment import value_digest
from batchrun.errors import ManifestError
from batchrun.files import as_text
from batchrun.ledger.clock import timestamp
from batchrun.ledger.events import FORMAT, BatchEvent, FileDigest
from batchrun.ledger.state import BatchState
from batchrun.sweep.local_file import LocalFile
from batchrun.sweep.manifest.manifest import Manifest, Overrides
from batchrun.sweep.plan import Plan, build_plan, read_plan
from batchrun.wherobots.clock import steady_now

__all__ = ["earlier_keys", "earlier_plan", "extended_batch", "new_batch", "plan_of"]


def new_batch(plan: Plan, base_url: str) -> BatchEvent:
    """The first line of a new ledger: everything that a resume needs."""
    manifest = plan.manifest
    return BatchEvent(
        at=timestamp(steady_now()),
        format=FORMAT,
        batch_id=secrets.token_hex(8),  # not made of the plan: two batches of one sweep must differ, since tags hold it
        name=plan.name,
        runs=plan.runs,
        plan_sha256=plan.sha256,
        base_url=base_url,
        batchrun=version("batchrun-wherobots"),
        manifest=manifest.text if manifest is not None else None,
        stdin=manifest.stdin.decode() if manifest is not None and manifest.stdin is not None else None,
        overrides=manifest.overrides.to_json() if manifest is not None else {},
        # Absolute: a resume may start anywhere.
        directory=as_text(manifest.directory.resolve()) if manifest is not None else "",
        plan_file=as_text(plan.path.resolve()) if plan.path is not None else None,
        files=[FileDigest(file.path, file.sha256, file.size) for file in plan.files],
        environment=[value_digest(name, value) for name, value in plan.environment.items()],
    )


def extended_batch(plan: Plan, state: BatchState, base_url: str) -> BatchEvent:
    """The line that moves a batch to another plan, or to another service.

    Runs that both plans contain keep what the ledger knows of them.
    """
    planned = {run.key for run in plan}
    batch_id = state.batch.batch_id if state.batch is not None else ""
    # Named in the ledger: whoever folds it has no plan to find out which runs left.
    gone = [key for key in state.runs if key not in planned]
    # The id stays: tags of runs that were sent hold it, and readers take another id for another ledger.
    return msgspec.structs.replace(new_batch(plan, base_url), batch_id=batch_id, gone=gone)


def plan_of(batch: BatchEvent, ledger_path: Path, environ: Mapping[str, str], *, resolve: bool = True) -> Plan:
    """Rebuild the batch's plan from its ledger.

    Data files are looked for where they were, and beside the ledger if it was moved. Without ``resolve``, ``<env.NAME>``
    takes the place of environment values: keys and names are the same, but nothing can be sent.

    Raises:
        ManifestError: it can no longer be planned, for example because a data file is gone.

    """
    if batch.plan_file is not None:
        recorded_file = Path(batch.plan_file)
        return read_plan(recorded_file if recorded_file.exists() else ledger_path.parent / recorded_file.name)
    recorded = Path(batch.directory)
    manifest = Manifest.parse(
        batch.manifest or "",
        name=batch.name,
        directory=recorded if recorded.is_dir() else ledger_path.parent,
        overrides=Overrides.from_json(batch.overrides),
        environ=environ,
        stdin=batch.stdin.encode() if batch.stdin is not None else None,
    )
    return build_plan(
        manifest,
        environ=environ if resolve else None,
        recorded_files=_recorded_files(batch, manifest.directory),
    )


def _recorded_files(batch: BatchEvent, directory: Path) -> dict[str, LocalFile]:
    """Local files as they were when the batch began: an edited script is another sweep, not this one."""
    return {
        file.path: LocalFile(path=file.path, source=directory / file.path, sha256=file.sha256, size=file.size)
        for file in batch.files
        if file.size is not None
    }


def earlier_plan(state: BatchState, ledger_path: Path, environ: Mapping[str, str]) -> Plan | None:
    """The ledger's own plan; None if it cannot be rebuilt, for example because a data file changed."""
    if state.batch is None:
        return None
    try:
        earlier = plan_of(state.batch, ledger_path, environ, resolve=False)
    except ManifestError:
        return None
    # A data file that changed makes another plan, whose keys say nothing about the ledger's.
    return earlier if earlier.sha256 == state.batch.plan_sha256 else None


def earlier_keys(state: BatchState, ledger_path: Path, environ: Mapping[str, str]) -> set[str] | None:
    """The keys of the ledger's own plan; None if it cannot be rebuilt."""
    earlier = earlier_plan(state, ledger_path, environ)
    return None if earlier is None else {run.key for run in earlier}
