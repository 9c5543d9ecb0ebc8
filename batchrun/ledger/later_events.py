"""Events about runs after their creation, and about the files that they need."""

from typing import Any, Literal

from batchrun.ledger.event import LedgerEvent

__all__ = ["CancelEvent", "CostEvent", "RerunEvent", "StatusEvent", "UploadEvent"]


class StatusEvent(LedgerEvent, tag="status", kw_only=True, frozen=True):
    """The status of a run, written when it changes; times as the service wrote them.

    ``status`` is ``gone`` when the service no longer knows the run. ``code`` and ``message`` say why a run ended badly, as
    far as the service reveals it.
    """

    key: str
    run_id: str
    status: str
    create_time: str | None = None
    start_time: str | None = None
    complete_time: str | None = None
    kube_app_id: str | None = None
    code: str | None = None
    message: str | None = None


class CostEvent(LedgerEvent, tag="cost", kw_only=True, frozen=True):
    """What a run cost so far; decimals as text, as the service writes them. ``final`` never changes again."""

    key: str
    run_id: str
    state: Literal["live", "settling", "final"]
    cost: str | None = None
    currency: str | None = None
    spatial_units: str | None = None


class CancelEvent(LedgerEvent, tag="cancel", kw_only=True, frozen=True):
    """A person decided to cancel this run. Durable before the call leaves."""

    key: str
    run_id: str


class RerunEvent(LedgerEvent, tag="rerun", kw_only=True, frozen=True):
    """A person decided to run these planned runs again, as the given generation, with some ``[run]`` settings replaced.

    Their keys stay those of the plan's payloads; the ids of their earlier runs are kept.
    """

    keys: list[str]
    generation: int
    overrides: dict[str, Any] = {}


class UploadEvent(LedgerEvent, tag="upload", kw_only=True, frozen=True):
    """A local file was uploaded: its content is at ``destination``, for runs in this region.

    ``path`` is the path in the manifest.
    """

    path: str
    sha256: str
    region: str
    destination: str
