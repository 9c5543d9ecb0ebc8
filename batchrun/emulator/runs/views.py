"""A run as JSON, as the API shows it at a given time."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.wherobots.views import AppStatus, AppType, RunStatus

__all__ = ["audit_line", "run_json", "run_view", "timestamp_text"]

_encode = msgspec.json.Encoder().encode
_ORGANIZATION_CREATED = "2024-01-01T00:00:00Z"
# Encoded once, because it is the same in every response.
_TRIGGERED_BY = msgspec.Raw(
    _encode(
        {
            "id": "emulated-customer",
            "createTime": _ORGANIZATION_CREATED,
            "updateTime": _ORGANIZATION_CREATED,
            "email": "someone@example.com",
            "name": "Someone",
            "roles": [
                {
                    "id": "emulated-role",
                    "createTime": _ORGANIZATION_CREATED,
                    "updateTime": _ORGANIZATION_CREATED,
                    "name": "user",
                    "organizationId": "emulated-organisation",
                    "policies": [],
                }
            ],
        }
    )
)
_APP_STATUS = {RunStatus.PENDING: AppStatus.DEPLOYING, RunStatus.RUNNING: AppStatus.READY}
_MESSAGES = {
    RunStatus.FAILED: "The application exited with code 1",
    RunStatus.TIMED_OUT: "The run was stopped: timeout of {timeout_s} seconds reached",
    RunStatus.CANCELLED: "The run was cancelled by its user",
}


def timestamp_text(time: float) -> str:
    """RFC 3339 in UTC with microseconds."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def run_json(run: StoredRun, now: float, *, timeout_as_failed: bool = False) -> bytes:
    return _encode(run_view(run, now, timeout_as_failed=timeout_as_failed))


def run_view(run: StoredRun, now: float, *, timeout_as_failed: bool = False) -> dict[str, Any]:
    """A ``RunView``, ready to be encoded by msgspec."""
    status = run.status_at(now)
    shown = RunStatus.FAILED if timeout_as_failed and status is RunStatus.TIMED_OUT else status
    updated = timestamp_text(run.changed_at(now))
    return {
        "id": run.id,
        "createTime": timestamp_text(run.created_at),
        "updateTime": updated,
        "name": run.name,
        "status": shown.value,
        "triggeredBy": _TRIGGERED_BY,
        "startTime": _if_reached(run.started_at, now),
        "completeTime": _if_reached(run.ended_at, now),
        "kubeApp": _kube_app(run, status, now, updated),
        "payload": msgspec.Raw(run.payload),
    }


def audit_line(run: StoredRun, now: float) -> bytes:
    """One line of the audit: the run as it really is, whatever the API shows."""
    return _encode(
        {
            "id": run.id,
            "name": run.name,
            "region": run.region,
            "createTime": timestamp_text(run.created_at),
            "status": run.status_at(now).value,
            "number": run.number,
            "payload": msgspec.Raw(run.payload),
        }
    ) + b"\n"  # fmt: skip


def _if_reached(time: float | None, now: float) -> str | None:
    return None if time is None or time > now else timestamp_text(time)


def _kube_app(run: StoredRun, status: RunStatus, now: float, updated: str) -> dict[str, Any]:
    message = _MESSAGES.get(status)
    return {
        "id": f"app-{run.id}",
        "createTime": timestamp_text(run.created_at),
        "updateTime": updated,
        "instanceId": f"instance-{run.id}",
        "appType": AppType.RUN.value,
        "status": _APP_STATUS.get(status, AppStatus.DESTROYED).value,
        "createdById": "emulated-customer",
        "apiPayload": None,
        "appMeta": {"spark_ui_url": "", "spark_eventlogs_url": "", "resolved_version": None},
        "events": _events(run, status, now),
        "cpuUsage": 0,
        "regionName": run.region,
        "message": None if message is None else message.format(timeout_s=run.timeout_s),
    }


def _events(run: StoredRun, status: RunStatus, now: float) -> list[dict[str, Any]]:
    events = [_event(run, 0, run.created_at, "APP_START_CREATION", "The run was accepted")]
    if run.started_at is not None and run.started_at <= now:
        events.append(_event(run, 1, run.started_at, "RUN_START_EXEC", "The script was started"))
    if status.is_final and run.ended_at is not None:
        code = "RUN_SUCCESS_EXEC" if status is RunStatus.COMPLETED else "RUN_FAIL_EXEC"
        message = _MESSAGES.get(status, "The script ended").format(timeout_s=run.timeout_s)
        events.append(_event(run, 2, run.ended_at, code, message))
    return events


def _event(run: StoredRun, number: int, time: float, code: str, message: str) -> dict[str, Any]:
    text = timestamp_text(time)
    meta = None if number == 0 else {"start_timestamp": int(time), "end_timestamp": None}
    return {
        "id": f"event-{run.id}-{number}",
        "createTime": text,
        "updateTime": text,
        "code": code,
        "message": message,
        "eventMeta": meta,
    }
