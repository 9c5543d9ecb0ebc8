"""Plan and ledger together: what a new batch is, what is left of an old one, and what has changed between them."""

import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from batchrun.engine.backlog import Work
from batchrun.errors import LedgerMismatchError
from batchrun.ledger.events import FORMAT, BatchEvent, FileDigest, timestamp
from batchrun.ledger.fold import BatchState, Outcome, RunState
from batchrun.sweep.manifest.manifest import Manifest, Overrides
from batchrun.sweep.plan import Plan, PlannedRun, build_plan, read_plan

__all__ = [
    "Difference",
    "check_target",
    "difference",
    "extended_batch",
    "new_batch",
    "plan_of",
    "unknown_work",
    "unsent_work",
]

RETRIABLE = frozenset({Outcome.REJECTED, Outcome.FAILED})


def new_batch(plan: Plan, base_url: str) -> BatchEvent:
    """The first line of a new ledger: everything that a resume needs."""
    manifest = plan.manifest
    return BatchEvent(
        at=timestamp(time.time()),
        format=FORMAT,
        batch_id=secrets.token_hex(8),
        name=plan.name,
        runs=plan.runs,
        plan_sha256=plan.sha256,
        base_url=base_url,
        batchrun=version("batchrun"),
        manifest=manifest.text if manifest is not None else None,
        stdin=manifest.stdin.decode() if manifest is not None and manifest.stdin is not None else None,
        overrides=manifest.overrides.to_json() if manifest is not None else {},
        directory=str(manifest.directory.resolve()) if manifest is not None else "",
        plan_file=str(plan.path.resolve()) if plan.path is not None else None,
        files=[FileDigest(file.path, file.sha256) for file in plan.files],
    )


def extended_batch(plan: Plan, state: BatchState, base_url: str) -> BatchEvent:
    """The line that turns a ledger to another plan, or to another service: the same batch, gone on with.

    Runs that both plans have keep what the ledger knows of them.
    """
    planned = {run.key for run in plan}
    batch_id = state.batch.batch_id if state.batch is not None else ""
    gone = [key for key in state.runs if key not in planned]
    return msgspec.structs.replace(new_batch(plan, base_url), batch_id=batch_id, gone=gone)


def plan_of(batch: BatchEvent, ledger_path: Path, environ: Mapping[str, str]) -> Plan:
    """The plan again, from what the ledger holds.

    Data files are looked for where they were, and beside the ledger when it was moved.

    Raises:
        ManifestError: it cannot be planned any more, for example because a data file is gone.

    """
    if batch.plan_file is not None:
        return read_plan(_present(Path(batch.plan_file), ledger_path.parent))
    recorded = Path(batch.directory)
    directory = recorded if recorded.is_dir() else ledger_path.parent
    manifest = Manifest.parse(
        batch.manifest or "",
        name=batch.name,
        directory=directory,
        overrides=Overrides.from_json(batch.overrides),
        environ=environ,
        stdin=batch.stdin.encode() if batch.stdin is not None else None,
    )
    return build_plan(manifest, environ=environ)


def _present(path: Path, other: Path) -> Path:
    return path if path.exists() else other / path.name


def check_target(batch: BatchEvent, base_url: str) -> None:
    """Refuse to go on with a batch at another service than it was begun at.

    Raises:
        LedgerMismatchError: the base URLs differ.

    """
    if batch.base_url != base_url:
        fact = f"the batch was submitted to {batch.base_url}, not to {base_url}"
        fix = "give that --base-url, or allow the other with --to-another-server"
        raise LedgerMismatchError(batch.name, fact, fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a plan differs from the batch in a ledger, by key."""

    new: int
    """Planned now, not in the ledger's plan as far as it can be told."""
    gone: int
    """In the ledger's plan, not planned any more."""
    gone_keys: tuple[str, ...]
    """Their keys."""
    submitted: int
    """Planned now and submitted already."""
    unknown_gone: int
    """Gone, and their fate unknown: they must be settled before they can be let go."""
    files: tuple[str, ...]
    """Data files whose content changed."""
    is_same: bool
    """The plan is the one that the ledger was begun with."""
    new_names: tuple[str, ...] = ()
    """The first few of the new."""


SHOWN = 10


def difference(plan: Plan, state: BatchState, earlier: Collection[str] | None = None) -> Difference:
    """What changed between a ledger's plan and this one.

    ``earlier`` holds the keys of the ledger's own plan where it could be made again; without it, a run that the ledger
    never sent counts as new.
    """
    batch = state.batch
    known = state.runs if earlier is None else earlier
    keys: set[str] = set()
    new: list[str] = []
    submitted = new_count = 0
    for run in plan:
        keys.add(run.key)
        submitted += state.outcome(run.key) is Outcome.SUBMITTED
        if run.key not in known:
            new_count += 1
            new += [run.name] if len(new) < SHOWN else []
    gone = [key for key in known if key not in keys]
    return Difference(
        new=new_count,
        gone=len(gone),
        gone_keys=tuple(gone),
        unknown_gone=sum(state.outcome(key) is Outcome.UNKNOWN for key in gone),
        submitted=submitted,
        files=changed_files(plan, batch),
        is_same=batch is not None and batch.plan_sha256 == plan.sha256,
        new_names=tuple(new),
    )


def changed_files(plan: Plan, batch: BatchEvent | None) -> tuple[str, ...]:
    """What the plan was made from and that reads differently now: data files, and ``env.NAME`` for the environment."""
    before = {file.path: file.sha256 for file in batch.files} if batch is not None else {}
    return tuple(file.path for file in plan.files if before.get(file.path, file.sha256) != file.sha256)


def unsent_work(plan: Plan, state: BatchState, retry: frozenset[Outcome]) -> Iterator[Work]:
    """What is still to be sent, in plan order, as a stream: pending runs, and those that ``retry`` brings back."""
    for run in plan:
        known = state.runs.get(run.key)
        if known is None:
            yield Work(run=run)
        elif known.outcome is Outcome.PENDING or known.outcome in retry & RETRIABLE:
            yield Work(run=run, n=known.n)


def unknown_work(plan: Plan, state: BatchState) -> list[Work]:
    """The runs whose fate is unknown; they are settled first."""
    if not state.count(Outcome.UNKNOWN):
        return []
    return [
        _unknown(run, known)
        for run in plan
        if (known := state.runs.get(run.key)) is not None and known.outcome is Outcome.UNKNOWN
    ]


def _unknown(run: PlannedRun, known: RunState) -> Work:
    return Work(run=run, n=known.n, counted=1, since_s=known.since_s, created=known.created)
