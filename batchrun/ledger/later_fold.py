"""The part of the fold that is about runs after their creation: statuses, costs, cancels, reruns, and what they need."""

from sys import intern

from batchrun.ledger.events import RateEvent
from batchrun.ledger.later_events import CancelEvent, CostEvent, RerunEvent, StatusEvent, UploadEvent
from batchrun.ledger.state import BatchState, Outcome
from batchrun.ledger.statuses import has_ended

__all__ = ["cancel", "cost", "rate", "rerun", "status", "upload"]


def status(state: BatchState, event: StatusEvent) -> None:
    run = state.runs.get(event.key)
    if run is None or run.run_id != event.run_id:
        return  # a run of an earlier generation, or of a ledger that was compacted
    # One string for all: a million runs share a handful of statuses and reasons.
    run.status = intern(event.status)
    tracked = run.track()
    if tracked.create_time is None:
        tracked.create_time = event.create_time
    if event.start_time is not None:
        tracked.start_time = event.start_time
    if event.complete_time is not None:
        tracked.complete_time = event.complete_time
    if event.kube_app_id is not None:
        tracked.kube_app_id = event.kube_app_id
    if event.code is not None:
        tracked.code = intern(event.code)
    if event.message is not None:
        tracked.message = intern(event.message)
    if has_ended(event.status):
        run.pack()


def cost(state: BatchState, event: CostEvent) -> None:
    run = state.runs.get(event.key)
    if run is None:
        return
    if run.run_id == event.run_id:
        run.track().cost = event
    for earlier in run.earlier:
        if earlier.run_id == event.run_id and earlier.tracked is not None:
            earlier.tracked.cost = event


def cancel(state: BatchState, event: CancelEvent) -> None:
    run = state.runs.get(event.key)
    if run is not None and run.run_id == event.run_id:
        run.request_cancel()


def rerun(state: BatchState, event: RerunEvent) -> None:
    """To be created once more; the run so far becomes an earlier one."""
    for key in event.keys:
        run = state.runs.get(key)
        if run is None or run.generation >= event.generation:
            continue
        run.begin_generation(event.generation, event.overrides)
        run.run_id = run.status = run.tracked = run.trouble = None
        state.move(run, Outcome.PENDING)


def upload(state: BatchState, event: UploadEvent) -> None:
    # By name and content, since storage keeps it under both: the path may change, and nothing is uploaded again.
    state.uploads[event.path.rpartition("/")[2], event.sha256, event.region] = event.destination


def rate(state: BatchState, event: RateEvent) -> None:
    state.rate = {"rate_per_s": event.rate_per_s, "window_s": event.window_s, "refused_per_s": event.refused_per_s}
