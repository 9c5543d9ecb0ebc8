"""A run as JSON, as the API shows it at a given time."""

from functools import cache
from typing import Any

import msgspec

from batchrun.emulator.runs.costs import usage_of
from batchrun.emulator.runs.kube_app import kube_app, kube_app_id, timestamp_text
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import RunStatus

__all__ = ["ORGANIZATION_CREATED", "audit_line", "run_view"]

_encode = msgspec.json.Encoder().encode
ORGANIZATION_CREATED = "2024-01-01T00:00:00Z"


def run_view(
    run: StoredRun, now: float, *, payload: bytes | None = None, timeout_as_failed: bool = False
) -> dict[str, Any]:
    """A ``RunView``, ready to be encoded by msgspec; ``payload`` replaces the one that was sent."""
    shown = run.shown_at(now, timeout_as_failed=timeout_as_failed)
    updated = timestamp_text(run.changed_at(now))
    return {
        "id": run.id,
        "createTime": timestamp_text(run.created_at),
        "updateTime": updated,
        "name": run.name,
        "status": shown.value,
        "triggeredBy": _triggered_by(run.organization),
        "startTime": None if shown is RunStatus.PENDING else _if_reached(run.started_at, now),
        "completeTime": _if_reached(run.ended_at, now),
        "kubeApp": kube_app(run, now, updated),
        "payload": msgspec.Raw(run.payload if payload is None else payload),
    }


def audit_line(run: StoredRun, settings: EmulatorSettings, now: float) -> bytes:
    """One line of the audit: the run as it really is, whatever the API shows."""
    usage = usage_of(run, settings, now)
    failure = run.lifecycle.failure if run.status_at(now).is_final and run.cancelled_at is None else None
    return _encode(
        {
            "id": run.id,
            "name": run.name,
            "organization": run.organization,
            "region": run.region,
            "createTime": timestamp_text(run.created_at),
            "status": run.status_at(now).value,
            "startTime": _if_reached(run.started_at, now),
            "completeTime": _if_reached(run.ended_at, now),
            "cancelledAt": _if_reached(run.cancelled_at, now),
            "deletedAt": _if_reached(run.deleted_at, now),
            "kubeAppId": kube_app_id(run.id),
            "spatialUnits": str(usage.units),
            "cost": str(usage.cost),
            "code": None if failure is None else failure.code,
            "message": None if failure is None else failure.message,
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
