"""The events of the ledger: one model each, one JSON line each.

Format version 1. Empty fields are omitted; fields added by a later version are ignored.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from batchrun.errors import Trouble
from batchrun.ledger.event import LedgerEvent
from batchrun.ledger.later_events import CancelEvent, CostEvent, RerunEvent, StatusEvent, UploadEvent

__all__ = [
    "FORMAT",
    "AbsentEvent",
    "AttemptEvent",
    "BatchEvent",
    "CancelEvent",
    "CompactedEvent",
    "CostEvent",
    "DroppedEvent",
    "DuplicatesEvent",
    "Event",
    "FailedEvent",
    "FileDigest",
    "ForeignEvent",
    "RateEvent",
    "RefusedEvent",
    "RejectedEvent",
    "RerunEvent",
    "ResolvedEvent",
    "SessionEvent",
    "StatusEvent",
    "SubmittedEvent",
    "UnknownEvent",
    "UploadEvent",
    "ValueDigest",
    "event_line",
    "read_event",
]

FORMAT = 1


class FileDigest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that the plan was made from, and its SHA-256 in hex; ``size``, in bytes, of one that is uploaded."""

    path: str
    sha256: str
    size: int | None = None


class ValueDigest(msgspec.Struct, frozen=True):
    """An environment value that is part of what was sent: enough to notice a change, too slow to guess the value from.

    ``scrypt`` is the digest in hex, with this salt and the parameters of ``batchrun.engine.environment``.
    """

    name: str
    salt: str
    scrypt: str


class BatchEvent(LedgerEvent, tag="batch", kw_only=True, frozen=True):
    """The first line: what is being submitted, and where to. A later one extends the batch to another plan.

    ``manifest`` is the manifest's text; a batch from a plan file has none and names the file in ``plan_file``. ``gone``
    holds the keys that the ledger knows and the extended plan does not; they are no longer runs of the batch.
    """

    format: int
    batch_id: str
    name: str
    runs: int
    plan_sha256: str
    base_url: str
    batchrun: str
    manifest: str | None = None
    stdin: str | None = None  # what an axis read from standard input: nothing else has kept it
    overrides: dict[str, Any] = {}
    directory: str = ""
    plan_file: str | None = None
    files: list[FileDigest] = []
    environment: list[ValueDigest] = []
    gone: list[str] = []


class SessionEvent(LedgerEvent, tag="session", kw_only=True, frozen=True):
    """One process began or ended its work on the batch.

    ``server_offset_s`` is how far the server's clock was ahead; ``rate`` is the rate learned, where the next starts;
    ``organization`` is the id of the organization that the API key belongs to, if the service reveals it.
    """

    action: Literal["start", "stop"]
    pid: int
    host: str
    reason: str = ""
    batchrun: str = ""
    server_offset_s: float | None = None
    totals: dict[str, int] | None = None
    rate: dict[str, float | None] | None = None
    organization: str | None = None


class AttemptEvent(LedgerEvent, tag="attempt", kw_only=True, frozen=True):
    """Attempt ``n`` of a run is about to be sent. Durable before its POST leaves.

    If the response is lost, the run is looked for by ``name``, so that neither plan nor manifest is needed. Ledgers of
    version 0.1 have no ``name``.
    """

    key: str
    n: int
    name: str = ""
    generation: int = 1


class SubmittedEvent(LedgerEvent, tag="submitted", kw_only=True, frozen=True):
    """The run exists. ``duplicates`` are further runs of the same name that settling found.

    ``creation_lag_s`` is set if the run shows that creation times are further behind the server's clock than was known.
    """

    key: str
    n: int
    run_id: str
    name: str
    status: str | None = None
    point: msgspec.Raw = msgspec.Raw(b"{}")
    via: Literal["response", "settled", "recovered", "resolved"] = "response"
    duplicates: list[str] = []
    generation: int = 1
    creation_lag_s: float | None = None


class RefusedEvent(LedgerEvent, tag="refused", kw_only=True, frozen=True):
    """The attempt created nothing and is repeated in ``retry_in`` seconds. Without ``status``, nothing was sent."""

    key: str
    n: int
    status: int | None = None
    code: str | None = None
    retry_in: float | None = None


class UnknownEvent(LedgerEvent, tag="unknown", kw_only=True, frozen=True):
    """The attempt may have created a run. With ``created`` it has, but the id could not be read.

    If ``n`` is 0, this ledger made no attempt: runs with this ``name`` exist, and a person has to decide which one it is, if any.
    """

    key: str
    n: int
    reason: str
    created: bool = False
    name: str = ""


class AbsentEvent(LedgerEvent, tag="absent", kw_only=True, frozen=True):
    """Settling concluded that the attempts so far created no run; the run is pending again."""

    key: str
    n: int


class DuplicatesEvent(LedgerEvent, tag="duplicates", kw_only=True, frozen=True):
    """The result of the last look at a name that was sent more than once; ``run_ids`` are further runs, beyond the batch's own.

    Without ``is_whole`` the list was incomplete, and the next session looks again.
    """

    key: str
    run_ids: list[str] = []
    is_whole: bool = True


class ForeignEvent(LedgerEvent, tag="foreign", kw_only=True, frozen=True):
    """A person decided that these runs belong to another batch although their names are planned; they are never adopted."""

    run_ids: list[str]


class ResolvedEvent(LedgerEvent, tag="resolved", kw_only=True, frozen=True):
    """A person decided that an unknown run is to be sent again. Adopting a run is a ``submitted`` event instead."""

    key: str
    n: int


class DroppedEvent(LedgerEvent, tag="dropped", kw_only=True, frozen=True):
    """A person decided that a run is not to be sent (again)."""

    key: str
    n: int
    name: str = ""


class _EndEvent(LedgerEvent, kw_only=True, frozen=True):
    key: str
    n: int
    name: str
    status: int | None = None
    code: str | None = None
    message: str | None = None
    field: str | None = None
    suggestion: str | None = None
    point: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def trouble(self) -> Trouble:
        return Trouble(
            status=self.status, code=self.code, message=self.message, field=self.field, suggestion=self.suggestion
        )


class RejectedEvent(_EndEvent, tag="rejected", kw_only=True, frozen=True):
    """The service refuses to create this run."""


class FailedEvent(_EndEvent, tag="failed", kw_only=True, frozen=True):
    """All attempts failed, and no run exists."""


class RateEvent(LedgerEvent, tag="rate", kw_only=True, frozen=True):
    """The rate limit found so far, for the next session if this one is killed."""

    rate_per_s: float
    window_s: float | None = None
    refused_per_s: float | None = None


class CompactedEvent(LedgerEvent, tag="compacted", kw_only=True, frozen=True):
    """Totals of the earlier lines, from before those that no longer matter were removed."""

    attempts: int
    settled: int
    sessions: int
    refusals: dict[str, int] = {}
    gone: dict[str, int] = {}
    attempted_at: str | None = None
    attempted_offset_s: float = 0.0


Event = (
    BatchEvent
    | SessionEvent
    | AttemptEvent
    | SubmittedEvent
    | RefusedEvent
    | UnknownEvent
    | AbsentEvent
    | DuplicatesEvent
    | ForeignEvent
    | ResolvedEvent
    | DroppedEvent
    | RejectedEvent
    | FailedEvent
    | StatusEvent
    | CostEvent
    | CancelEvent
    | RerunEvent
    | UploadEvent
    | RateEvent
    | CompactedEvent
)

_encode = msgspec.json.Encoder().encode
read_event: Callable[[bytes], Event] = msgspec.json.Decoder(Event).decode
"""Parse a line into its event; raises msgspec.DecodeError if it is not one."""


def event_line(event: Event) -> bytes:
    """An event as its line, newline included."""
    return _encode(event) + b"\n"
