"""The ``kubeApp`` of a run: what executes the run, its state, and its events. Pure."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from batchrun.emulator.run_rules import DEFAULT_CODE
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.schedule import uniform
from batchrun.wherobots.views import AppStatus, AppType, RunStatus

__all__ = ["kube_app", "kube_app_id", "run_id_of", "timestamp_text"]

_PREFIX = "app-"
_MESSAGES = {
    RunStatus.TIMED_OUT: "The run was stopped: timeout of {timeout_s} seconds reached",
    RunStatus.CANCELLED: "The run was cancelled by its user",
}
_STARTING = (AppStatus.PREPARING, AppStatus.DEPLOYING, AppStatus.INITIALIZING)
_NODE_AT = 1 / 3  # of the time of starting up
_SUCCESS, _UNKNOWN_END = "RUN_SUCCESS_EXEC", "The script ended"


@lru_cache(maxsize=4096)  # a response repeats most of its moments
def timestamp_text(time: float) -> str:
    """RFC 3339 in UTC with microseconds."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def kube_app_id(run_id: str) -> str:
    """The id under which a run's cost is known: not that of the run."""
    return f"{_PREFIX}{run_id}"


def run_id_of(kube_app_id: str) -> str:
    """The id of the run that an app executes, or an empty string."""
    return kube_app_id[len(_PREFIX) :] if kube_app_id.startswith(_PREFIX) else ""


def kube_app(run: StoredRun, now: float, updated: str) -> dict[str, Any]:
    """A ``RunKubeApp``, ready to be encoded."""
    status = run.status_at(now)
    return {
        "id": kube_app_id(run.id),
        "createTime": timestamp_text(run.created_at),
        "updateTime": updated,
        "instanceId": f"instance-{run.id}",
        "appType": AppType.RUN.value,
        "status": _app_status(run, status, now).value,
        "createdById": "emulated-customer",
        "apiPayload": None,
        "appMeta": {"spark_ui_url": "", "spark_eventlogs_url": "", "resolved_version": None},
        "events": _events(run, status, now),
        "cpuUsage": 0,
        "regionName": run.region,
        "message": _message(run, status),
    }


def _message(run: StoredRun, status: RunStatus) -> str | None:
    """The latest information that is worth a look: why a run ended badly."""
    if not status.is_final:
        return None
    if run.lifecycle.failure is not None and status is not RunStatus.CANCELLED:
        return run.lifecycle.failure.message
    message = _MESSAGES.get(status)
    return None if message is None else message.format(timeout_s=run.timeout_s)


def _app_status(run: StoredRun, status: RunStatus, now: float) -> AppStatus:
    if status.is_final:
        return AppStatus.DESTROYED
    if run.cancelled_at is not None:
        return AppStatus.DESTROY_REQUESTED
    if status is RunStatus.RUNNING:
        return AppStatus.READY
    began = _began_starting(run)
    if began is None or now < began:
        return AppStatus.PENDING
    startup_s = run.lifecycle.startup_s
    return _STARTING[min(int((now - began) / startup_s * len(_STARTING)), len(_STARTING) - 1)]


def _began_starting(run: StoredRun) -> float | None:
    """When the run got its slot: until then it waits for capacity."""
    return None if run.started_at is None else run.started_at - run.lifecycle.startup_s


def _events(run: StoredRun, status: RunStatus, now: float) -> list[dict[str, Any]]:
    """What happened so far. The service publishes the codes ``APP_START_CREATION`` and ``RUN_FAIL_EXEC`` only."""
    made = {"use_v2_workflow": True}
    events = [_event(run, 0, run.created_at, "APP_START_CREATION", "The run was accepted", made)]
    began = _began_starting(run)
    if began is not None and now >= (scheduled_at := began + _NODE_AT * run.lifecycle.startup_s):
        meta = _node_meta(run, began, scheduled_at)
        events.append(_event(run, 1, scheduled_at, "APP_NODE_SCHEDULED", "The driver was scheduled", meta))
    if run.started_at is not None and run.started_at <= now:
        meta = {"start_timestamp": int(run.started_at), "end_timestamp": None}
        events.append(_event(run, 2, run.started_at, "RUN_START_EXEC", "The script was started", meta))
    if status.is_final and run.ended_at is not None:
        start = None if run.started_at is None else int(run.started_at)
        meta = {"start_timestamp": start, "end_timestamp": int(run.ended_at)}
        message = _message(run, status) or _UNKNOWN_END
        events.append(_event(run, 3, run.ended_at, _end_code(run, status), message, meta))
    return events


def _end_code(run: StoredRun, status: RunStatus) -> str:
    if status is RunStatus.COMPLETED:
        return _SUCCESS
    is_own_failure = run.lifecycle.failure is not None and status is not RunStatus.CANCELLED
    return run.lifecycle.failure.code if is_own_failure and run.lifecycle.failure is not None else DEFAULT_CODE


def _node_meta(run: StoredRun, pod_at: float, scheduled_at: float) -> dict[str, Any]:
    """Half of the runs find a node that is there already; the others wait for a new one: a cold start."""
    is_warm = uniform(run.number, "node", 0) < 0.5  # noqa: PLR2004 - half
    return {
        "node_preexisted": is_warm,
        "node_name": f"node-{run.number % 100}",
        "pod_creation_time": timestamp_text(pod_at),
        "node_creation_time": timestamp_text(pod_at - 3600 if is_warm else scheduled_at),
    }


def _event(
    run: StoredRun, number: int, time: float, code: str, message: str, meta: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    text = timestamp_text(time)
    return {
        "id": f"event-{run.id}-{number}",
        "createTime": text,
        "updateTime": text,
        "code": code,
        "message": message,
        "eventMeta": meta,
    }
