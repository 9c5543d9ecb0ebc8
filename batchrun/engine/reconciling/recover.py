"""Rebuild a lost ledger from the plan and from the runs that the service lists.

A planned run is submitted if exactly one listed run matches it. A doubtful one stays unknown, and is not sent until a
person decides. One that is not found is pending, and the next ``submit`` sends it; so absence is concluded no sooner than
for a lost attempt, because the lost ledger's last attempt may have been sent just now.
"""

import os
import socket
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
import msgspec

from batchrun.callbacks import ignored
from batchrun.engine.batch import new_batch
from batchrun.engine.evidence import MARGIN_S
from batchrun.engine.listing.name_lists import ReadObserver, paced_scanner, read_names
from batchrun.engine.listing.organization import organization_of
from batchrun.engine.listing.scan import Scanner
from batchrun.engine.reconciling.recovered_runs import Claim, RecoveredRuns
from batchrun.engine.sending.settle_queue import SECOND_SCAN_S
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.verdicts import is_call_refused
from batchrun.errors import ApiError, UsageError
from batchrun.ledger.clock import LedgerClock
from batchrun.ledger.events import Event, RerunEvent, SessionEvent, SubmittedEvent, UnknownEvent
from batchrun.ledger.new_file import check_free, write_new_ledger
from batchrun.sweep.plan import Plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.clock import creation_offset_s, steady_now

__all__ = ["Recovery", "recover"]

ONE_BY_ONE = 1_000
"""Names of runs that are listed one by one if one long list proves incomplete: at 20 calls a second, within two minutes.
Of a larger batch, only names of which nothing is listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The result of rebuilding a ledger. The three counts add up to the plan."""

    ledger: Path
    recovered: int
    """Planned runs that exist; they are submitted in the new ledger."""
    pending: int
    """Planned runs that are not listed."""
    doubtful: tuple[Claim, ...]
    """Planned runs that stay unknown until a person decides."""
    reruns: int
    """Planned runs whose latest run is a rerun."""
    unchecked: tuple[str, ...]
    """Names of recovered runs whose lists are incomplete: there may be reruns, or other runs with their names."""
    older: int
    """Runs with planned names that were created before ``since_s``, and were ignored."""


async def recover(
    plan: Plan,
    client: RunsClient,
    ledger: str | Path,
    *,
    since_s: float | None = None,
    settle_after_s: float | None = None,
    base_url: str | None = None,
    observe: ReadObserver = ignored,
    on_wait: Callable[[int, float], object] = lambda *_: None,
) -> Recovery:
    """Rebuild a lost ledger. Nothing is sent, and an existing file is never modified.

    Args:
        plan: The plan of the lost batch; its environment need not be resolved.
        client: An open client of the service that the batch was submitted to.
        ledger: Where to write the new ledger.
        since_s: Ignore runs created before this time, in epoch seconds by the server's clock.
        settle_after_s: As for ``submit``, in seconds. Unlisted runs and reruns are looked for again after twice as long.
            Defaults to the manifest's ``[submit]`` table.
        base_url: The service's name in the ledger; defaults to the client's base URL.
        observe: Called with the number of runs or names read, and the total if it is known.
        on_wait: Called with the number of unlisted runs, and the seconds until they are looked for again.

    Raises:
        UsageError: the service lists no run of the plan.
        LedgerError: the file already exists, or cannot be written.
        ApiError: the runs cannot be listed.

    """
    path = Path(ledger)
    check_free(path)
    scanner = paced_scanner(client, plan.submit.rate)
    organization = await organization_of(scanner)
    found = await anyio.to_thread.run_sync(partial(RecoveredRuns, plan, since_s=since_s))
    patience_s = SubmitSettings.of(plan.submit).settle_after_s if settle_after_s is None else settle_after_s

    look = partial(_look, scanner=scanner, found=found, observe=observe)
    seen_at, began_s = LedgerClock().stamp(), steady_now()
    try:
        incomplete = await look(found, since_s)
        if found.is_empty:
            raise _nothing_listed(plan, found)
        # Twice, as long after this start as if the last attempt had been sent just before it, without a control.
        for wait_s in (2 * patience_s, min(SECOND_SCAN_S, patience_s / 3)):
            missing = found.missing()
            on_wait(len(missing), wait_s)
            await anyio.sleep(wait_s)
            seen_at = LedgerClock().stamp()
            incomplete = await look(missing | incomplete, since_s)
            # What lists do not show yet was created shortly before this start: a rerun of a run that is listed, too.
            recent_s = began_s + creation_offset_s(client.clock.offset_s) - 2 * patience_s - MARGIN_S
            incomplete |= await look(found, max(recent_s, since_s or 0.0))
    except ApiError as error:
        if not is_call_refused(error):
            raise
        raise _lists_refused(error) from None
    write = partial(
        _write,
        path,
        plan,
        found,
        incomplete=incomplete,
        base_url=base_url or client.settings.base_url,
        organization=organization,
        offset_s=client.clock.offset_s,
        seen_at=seen_at,
    )
    return await anyio.to_thread.run_sync(write)


async def _look(
    names: Collection[str],
    created_after: float | None,
    *,
    scanner: Scanner,
    found: RecoveredRuns,
    observe: ReadObserver,
) -> frozenset[str]:
    """Take what is listed under names and those of their reruns; returns the names whose lists are incomplete."""

    def again() -> Collection[str]:
        return names if len(names) <= ONE_BY_ONE else found.missing().intersection(names)

    return await read_names(
        scanner,
        names,
        found.take,
        created_after=created_after,
        again=again,
        wanted=found,
        next_name=found.next_name,
        observe=observe,
    )


def _nothing_listed(plan: Plan, found: RecoveredRuns) -> UsageError:
    older = f"; {found.older:,} are older than that" if found.older else ""
    fact = f"the service lists no run of this sweep{older}: there is nothing to recover"
    return UsageError(plan.name, fact, "submit the sweep, or check the sweep, the service and --since")


def _lists_refused(error: ApiError) -> ApiError:
    fact = f"the runs cannot be listed ({error.trouble.describe()}), and without lists nothing can be recovered"
    return ApiError("GET /runs", fact, trouble=error.trouble)


def _write(
    path: Path,
    plan: Plan,
    found: RecoveredRuns,
    *,
    incomplete: Collection[str],
    base_url: str,
    organization: str | None,
    offset_s: float | None,
    seen_at: str,
) -> Recovery:
    """``seen_at``: when the last look began; runs that are created later are news to the new ledger."""
    claims = list(found.claims(incomplete))
    doubtful = tuple(claim for claim in claims if claim.doubt)

    def session(action: Literal["start", "stop"]) -> SessionEvent:
        return SessionEvent(
            at=seen_at if action == "start" else LedgerClock().stamp(),
            action=action,
            reason="recovered" if action == "stop" else "",
            pid=os.getpid(),
            host=socket.gethostname(),
            batchrun=version("batchrun-wherobots"),
            organization=organization,
            server_offset_s=None if offset_s is None else round(offset_s, 3),
        )

    batch = msgspec.structs.replace(new_batch(plan, base_url), at=seen_at, **_batch_id(claims))
    write_new_ledger(path, (batch, session("start"), *_events(claims, seen_at), session("stop")))
    return Recovery(
        ledger=path,
        recovered=len(claims) - len(doubtful),
        pending=plan.runs - len(claims),
        doubtful=doubtful,
        reruns=sum(claim.generation > 1 for claim in claims),
        unchecked=tuple(claim.planned.name for claim in claims if not claim.doubt and claim.planned.name in incomplete),
        older=found.older,
    )


def _batch_id(claims: list[Claim]) -> dict[str, str]:
    """Tagged runs say which batch they are of: the new ledger continues it, so that its tags stay the same."""
    ids = {run.tag.partition("/")[0] for claim in claims for run in claim.runs if run.tag is not None}
    # Of two batches, neither can be continued by one ledger.
    return {"batch_id": ids.pop()} if len(ids) == 1 else {}


def _events(claims: list[Claim], at: str) -> Iterator[Event]:
    """Generation by generation, since one event begins a rerun of many."""
    for generation in range(1, max((claim.generation for claim in claims), default=0) + 1):
        of_it = [claim for claim in claims if claim.generation >= generation]
        if generation > 1:
            yield RerunEvent(at=at, keys=[claim.planned.key for claim in of_it], generation=generation)
        for claim in of_it:
            if generation <= len(claim.runs):
                yield _submitted(claim, generation, at)
            elif generation in {1, claim.generation}:  # the ledger of a run begins with its first generation
                name = claim.planned.name if generation == 1 else claim.name
                yield UnknownEvent(at=at, key=claim.planned.key, n=0, name=name, reason=claim.doubt)


def _submitted(claim: Claim, generation: int, at: str) -> SubmittedEvent:
    run, planned = claim.runs[generation - 1], claim.planned
    return SubmittedEvent(
        at=at,
        key=planned.key,
        n=0,
        run_id=run.run_id,
        name=run.name,
        status=run.status,
        point=msgspec.Raw(planned.point_json),
        via="recovered",
        generation=generation,
    )
