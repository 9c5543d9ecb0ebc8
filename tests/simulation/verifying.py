"""``batchrun verify`` at the end of a history: it must report what the service really holds, and nothing else."""

import random
from collections.abc import Iterator
from pathlib import Path

from batchrun.engine.listing.known_ids import ids_of
from batchrun.engine.reconciling.mismatches import MismatchKind
from batchrun.engine.reconciling.verify import Verification, verify
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.sweep.plan import Plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from tests.simulation.clock import SimLoop
from tests.simulation.determinism import begin_loop
from tests.simulation.disk import DISK, SOUND_DISK
from tests.simulation.service import HeldRun, Service
from tests.simulation.tracing import Trace
from tests.simulation.transport import TIMEOUT_S, URL, Faults, SimTransport

__all__ = ["verification", "verification_findings"]


def verification(path: Path, plan: Plan, service: Service, organization: str, trace: Trace) -> Verification:
    """What it says of a ledger, asked with the key of the ledger's organization and without any faults."""
    transport = SimTransport(
        service=service,
        organization=organization,
        faults=Faults(),
        chance=random.Random(0),
        trace=trace,
        is_alive=lambda: True,
        on_post=lambda _: None,
        on_cancel=lambda _: None,
    )

    async def ask() -> Verification:
        settings = ApiSettings(api_key=f"key-of-{organization}", base_url=URL, timeout_s=TIMEOUT_S)
        async with RunsClient(settings, transport) as client:
            return await verify(path, client, plan=plan)

    DISK.start_process(SOUND_DISK, random.Random(0), lambda: None)
    loop = SimLoop({})
    begin_loop(loop)
    try:
        return loop.run_until_complete(ask())
    finally:
        loop.abandon()
        DISK.end_process()


def verification_findings(
    found: Verification,
    state: BatchState,
    owned: dict[tuple[str, int], list[HeldRun]],
    service: Service,
    organization: str,
) -> Iterator[str]:
    """Where it does not say what is true."""
    alive = {run.id for run in service.existing() if run.organization == organization}
    yield from (f"verify doubts: {doubt.text()}" for doubt in found.doubts)
    said = {kind: [one for one in found.mismatches if one.kind is kind] for kind in MismatchKind}
    missing = {run_id for run_id, _ in ids_of(state)} - alive
    yield from _differ("missing", {one.run_id for one in said[MismatchKind.MISSING]}, missing)
    unknown = {key for key, run in state.runs.items() if run.outcome is Outcome.UNKNOWN}
    yield from _differ("unknown", {one.key for one in said[MismatchKind.UNKNOWN]}, unknown)
    further = dict(_further(state, owned, alive))
    named = said[MismatchKind.TWICE] + [one for one in said[MismatchKind.FOREIGN] if one.is_later_rerun]
    reported = {held.run_id for one in named for held in one.held}
    # A point that was edited has two keys under one name, and what is held is shown with one of them.
    others = said[MismatchKind.UNKNOWN] + said[MismatchKind.FOREIGN]
    shown = {(held.run_id, one.key) for one in others for held in one.held}
    reported |= {run_id for run_id, key in shown if further.get(run_id, key) != key}
    for run_id in further.keys() - reported:
        yield f"verify is silent: {further[run_id]} was also made as {run_id}"
    excused = {run.id for run in service.runs if run.excuse or run.is_disowned}
    for run_id in set(found.to_cancel) - further.keys() - excused:
        yield f"verify is wrong: {run_id} was not made in addition to another run"


def _further(
    state: BatchState, owned: dict[tuple[str, int], list[HeldRun]], alive: set[str]
) -> Iterator[tuple[str, str]]:
    """The runs that the ledger's attempts made beyond the one that it has taken."""
    taken = {run_id for run_id, _ in ids_of(state)}
    for (key, generation), runs in owned.items():
        known = state.runs.get(key)
        if known is not None and (generation != known.generation or known.outcome is Outcome.SUBMITTED):
            yield from ((run.id, key) for run in runs if run.id in alive and run.id not in taken)


def _differ(what: str, said: set[str | None] | set[str], true: set[str | None] | set[str]) -> Iterator[str]:
    yield from (f"verify is silent: {one} is {what}" for one in sorted(map(str, set(true) - set(said))))
    yield from (f"verify is wrong: {one} is not {what}" for one in sorted(map(str, set(said) - set(true))))
