"""The composition root: makes the parts of a session, and gives each what it uses and nothing else."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from batchrun.engine.generations import Generations
from batchrun.engine.listing.known_ids import KnownIds, holders_of
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import Reporter
from batchrun.engine.sending.active_runs import ActiveRuns
from batchrun.engine.sending.attempt import Attempts
from batchrun.engine.sending.backlog import Backlog
from batchrun.engine.sending.controls import Controls
from batchrun.engine.sending.inherited import Inherited
from batchrun.engine.sending.outcomes import Outcomes
from batchrun.engine.sending.resume import FIRST, unsent_work
from batchrun.engine.sending.settle import Settler
from batchrun.engine.sending.settle_queue import SettleQueue
from batchrun.engine.sending.units_limit import UnitsLimit
from batchrun.engine.sending.workers import Workers
from batchrun.engine.session.events import SessionEvents
from batchrun.engine.session.follower import SessionFollower
from batchrun.engine.session.monitor import Monitor
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.spending import Spending
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.tagging import Tagging
from batchrun.engine.tally import Tally
from batchrun.ledger.file import FileLedger
from batchrun.ledger.state import Outcome
from batchrun.sweep.plan import Plan, PlannedRun
from batchrun.tracking.changes import Change
from batchrun.tracking.created_runs import unfinished
from batchrun.tracking.poller import Poller
from batchrun.tracking.reading import Reader
from batchrun.uploads.destinations import Destinations
from batchrun.wherobots.client import RunsClient

__all__ = ["SessionParts", "SessionSpec", "wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """The session's task, and the caller's objects it uses."""

    plan: Plan | None
    """Without one, unknown runs are settled and nothing is sent."""
    ledger: FileLedger
    client: RunsClient
    pacer: Pacer
    settings: SubmitSettings
    reporter: Reporter
    switch: StopSwitch
    retry: frozenset[Outcome] = frozenset()
    """Outcomes of earlier sessions whose runs are sent again."""
    generations: Generations = FIRST
    earlier: Mapping[str, PlannedRun] = field(default_factory=dict)
    """Unknown runs that left the plan, by key, as they were planned."""
    destinations: Destinations = field(default_factory=lambda: Destinations({}))
    """Where uploaded files are."""
    is_same_organization: bool = True
    """It is proven that the client's key belongs to the organization that earlier sessions sent runs to."""
    on_change: Callable[[Change], None] | None = None
    """Receives the changes of every created run's status; None if runs are followed only as far as limits need it."""
    spending: Spending | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParts:
    """The parts that a session starts, and asks when it ends."""

    ledger: FileLedger
    switch: StopSwitch
    reporter: Reporter
    events: SessionEvents
    tally: Tally
    known_ids: KnownIds
    active_runs: ActiveRuns
    backlog: Backlog
    to_settle: SettleQueue
    inherited: Inherited
    settler: Settler
    follower: SessionFollower
    workers: Workers
    monitor: Monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    """Where the runs of a session are: what the parts that act read and change together."""

    tally: Tally
    poller: Poller
    active_runs: ActiveRuns
    backlog: Backlog
    to_settle: SettleQueue
    controls: Controls
    known_ids: KnownIds
    tagging: Tagging


def wire(spec: SessionSpec) -> SessionParts:
    """All parts of a session; none of them runs yet."""
    records = _records(spec)
    outcomes = _outcomes(spec, records)
    settler = _settler(spec, records, outcomes)
    follower = _follower(spec, records)
    return SessionParts(
        ledger=spec.ledger,
        switch=spec.switch,
        reporter=spec.reporter,
        events=SessionEvents(
            ledger=spec.ledger, clock=spec.client.clock, pacer=spec.pacer, tally=records.tally, switch=spec.switch
        ),
        tally=records.tally,
        known_ids=records.known_ids,
        active_runs=records.active_runs,
        backlog=records.backlog,
        to_settle=records.to_settle,
        inherited=_inherited(spec, records, outcomes),
        settler=settler,
        follower=follower,
        workers=_workers(
            spec, records, _attempts(spec, records, outcomes, settler), _units_limit(spec, records, follower)
        ),
        monitor=_monitor(spec, records, follower),
    )


def _records(spec: SessionSpec) -> _Records:
    plan, state, settings = spec.plan, spec.ledger.state, spec.settings
    poller = Poller(time.monotonic(), spec.client.app)
    poller.is_key_proven = spec.is_same_organization
    active_runs = ActiveRuns(
        settings.max_active,
        poller,
        server_now=spec.client.clock.now,
        is_over=lambda: backlog.is_empty,  # the two need each other: a slot is of use only while work is left
        # Read only once active runs matter: a ledger may know a million.
        earlier=(lambda: unfinished(state)) if state.runs else None,
        follows_all=spec.on_change is not None or spec.spending is not None,
    )
    unsent = unsent_work(plan, state, spec.retry, spec.generations) if plan is not None else iter(())
    backlog = Backlog(unsent, time.monotonic, on_return=active_runs.release, on_end=active_runs.notice_end)
    return _Records(
        tally=Tally(plan.runs if plan is not None else state.planned, state, spec.retry),
        poller=poller,
        active_runs=active_runs,
        backlog=backlog,
        to_settle=SettleQueue(settings.settle_after_s),
        controls=Controls(is_same_organization=spec.is_same_organization),
        known_ids=KnownIds(lambda: holders_of(state), state.foreign),
        tagging=Tagging(state.batch.batch_id if settings.tag and state.batch is not None else None),
    )


def _outcomes(spec: SessionSpec, records: _Records) -> Outcomes:
    return Outcomes(
        settings=spec.settings,
        base_url=spec.client.settings.base_url,
        ledger=spec.ledger,
        backlog=records.backlog,
        to_settle=records.to_settle,
        active_runs=records.active_runs,
        controls=records.controls,
        known_ids=records.known_ids,
        tally=records.tally,
        switch=spec.switch,
        reporter=spec.reporter,
    )


def _inherited(spec: SessionSpec, records: _Records, outcomes: Outcomes) -> Inherited:
    return Inherited(
        plan=spec.plan,
        earlier=spec.earlier,
        generations=spec.generations,
        ledger=spec.ledger,
        clock=spec.client.clock,
        backlog=records.backlog,
        active_runs=records.active_runs,
        to_settle=records.to_settle,
        controls=records.controls,
        outcomes=outcomes,
        switch=spec.switch,
        settle_after_s=spec.settings.settle_after_s,
    )


def _settler(spec: SessionSpec, records: _Records, outcomes: Outcomes) -> Settler:
    return Settler(
        queue=records.to_settle,
        client=spec.client,
        pacer=spec.pacer,
        backlog=records.backlog,
        outcomes=outcomes,
        controls=records.controls,
        known_ids=records.known_ids,
        tagging=records.tagging,
        switch=spec.switch,
        settle_after_s=spec.settings.settle_after_s,
        began_s=spec.ledger.state.began_s or 0.0,
    )


def _follower(spec: SessionSpec, records: _Records) -> SessionFollower:
    return SessionFollower(
        active_runs=records.active_runs,
        poller=records.poller,
        client=spec.client,
        ledger=spec.ledger,
        pacer=spec.pacer,
        reporter=spec.reporter,
        switch=spec.switch,
        limits_units=spec.spending is not None,
        on_change=spec.on_change,
    )


def _attempts(spec: SessionSpec, records: _Records, outcomes: Outcomes, settler: Settler) -> Attempts:
    return Attempts(
        ledger=spec.ledger,
        client=spec.client,
        pacer=spec.pacer,
        outcomes=outcomes,
        settler=settler,
        tagging=records.tagging,
        destinations=spec.destinations,
        tally=records.tally,
        switch=spec.switch,
    )


def _units_limit(spec: SessionSpec, records: _Records, follower: SessionFollower) -> UnitsLimit | None:
    if spec.spending is None:
        return None
    return UnitsLimit(
        spec.spending,
        client=spec.client,
        ledger=spec.ledger,
        reader=Reader(spec.pacer.wait_for_read),
        look=follower.look,
        to_settle=records.to_settle,
        settle_after_s=spec.settings.settle_after_s,
        reporter=spec.reporter,
        switch=spec.switch,
    )


def _workers(spec: SessionSpec, records: _Records, attempts: Attempts, units_limit: UnitsLimit | None) -> Workers:
    return Workers(
        spec.settings.concurrency,
        backlog=records.backlog,
        active_runs=records.active_runs,
        pacer=spec.pacer,
        attempts=attempts,
        units_limit=units_limit,
        switch=spec.switch,
    )


def _monitor(spec: SessionSpec, records: _Records, follower: SessionFollower) -> Monitor:
    return Monitor(
        settings=spec.settings,
        base_url=spec.client.settings.base_url,
        ledger=spec.ledger,
        tally=records.tally,
        pacer=spec.pacer,
        backlog=records.backlog,
        active_runs=records.active_runs,
        follower=follower,
        reporter=spec.reporter,
        switch=spec.switch,
    )
