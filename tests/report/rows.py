"""Rows as tests need them: a status or an outcome, and a point."""

from typing import Any

from batchrun.ledger.fold import Outcome
from batchrun.report.rows import RunRow

__all__ = ["row"]


def row(key: str, status: str | None = "COMPLETED", *, point: dict[str, Any] | None = None, **values: Any) -> RunRow:
    """A row of a submitted run with this status; other fields by name."""
    defaults: dict[str, Any] = {
        "outcome": Outcome.SUBMITTED,
        "run_id": f"id-{key}",
        "is_planned": True,
        "generation": 1,
        "trouble": None,
        "code": None,
        "message": None,
        "attempts": 1,
        "via": None,
        "first_attempt_s": None,
        "submitted_s": None,
        "created_s": None,
        "started_s": None,
        "completed_s": None,
        "kube_app_id": None,
        "cost": None,
        "earlier": (),
    }
    return RunRow(key=key, name=f"run-{key}", status=status, point=point or {}, **(defaults | values))
