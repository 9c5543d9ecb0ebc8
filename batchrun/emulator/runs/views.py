"""A run as JSON, as the API shows it at a given time."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.wherobots.views import AppStatus, AppType, RunStatus

__all__ = ["ORGANIZATION_CREATED", "audit_line", "run_view", "timestamp_text"]

_encode = msgspec.json.Encoder().encode
ORGANIZATION_CREATED = "2024-01-01T00:00:00Z"
_APP_STATUS = {RunStatus.PENDING: AppStatus.DEPLOYING, RunStatus.RUNNING: AppStatus.READY}
_MESSAGES = {
    RunStatus.FAILED: "The application exited with code 1",
    RunStatus.TIMED_OUT: "The run was stopped: timeout of {timeout_s} seconds reached",
    RunStatus.CANCELLED: "The run was cancelled by its user",
}


def timestamp_text(time: float) -> str:
    """RFC 3339 in UTC with microseconds."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def run_view(
    run: StoredRun, now: float, *, payload: bytes | None = None, timeout_as_failed: bool = False
) -> dict[str, Any]:
    """A ``RunView``, ready to be encoded by msgspec; ``payload`` replaces the one that was sent."""
    status = run.status_at(now)
    shown = RunStatus.FAILED if timeout_as_failed and status is RunStatus.TIMED_OUT else status
    updated = timestamp_text(run.changed_at(now))
    return {
        "id": run.id,
        "createTime": timestamp_text(run.created_at),
        "updateTime": updated,
        "name": run.name,
        "status": shown.value,
        "triggeredBy": _triggered_by(run.organization),
        "startTime": _if_reached(run.started_at, now),
        "completeTime": _if_reached(run.ended_at, now),
        "kubeApp": _kube_app(run, status, now, updated),
        "payload": msgspec.Raw(run.payload if payload is None else payload),
    }


def audit_line(run: StoredRun, now: float) -> bytes:
    """One line of the audit: the run as it really is, whatever the API shows."""
    return _encode(
        {
            "id": run.id,
            "name": run.name,
            "organization": run.organization,
            "region": run.region,
            "createTime": timestamp_text(run.created_at),
            "status": run.status_at(now).value,
            "deletedAt": None if run.deleted_at is None else timestamp_text(run.deleted_at),
            "number": run.number,
            "payload": msgspec.Raw(run.payload),
        }
    ) + b"\n"  # fmt: skip


@cache  # encoded once, because it is the same in every response to an organization
def _triggered_by(organization: str) -> msgspec.Raw:
    return msgspec.Raw(
        _encode(
            {
                "id": "emulated-customer",
                "createTime": ORGANIZATION_CREATED,
                "updateTime": ORGANIZATION_CREATED,
                "email": "someone@example.com",
                "name": "Someone",
                "roles": [
                    {
                        "id": "emulated-role",
                        "createTime": ORGANIZATION_CREATED,
                        "updateTime": ORGANIZATION_CREATED,
                        "name": "user",
                        "organizationId": organization,
                        "policies": [],
                    }
                ],
            }
        )
    )


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
