"""The events of the ledger, one model each, and each as one line of JSON.

Format version 1. Fields that say nothing are left out of the line; fields that a later version adds are passed over.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from batchrun.errors import Trouble
from batchrun.wherobots.clock import steady_now

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
    "LedgerClock",
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
    "epoch_seconds",
    "event_line",
    "read_event",
    "timestamp",
]

FORMAT = 1


class _Event(msgspec.Struct, tag_field="event", omit_defaults=True, kw_only=True, frozen=True):
    """``at``: when it was written, RFC 3339 in UTC with milliseconds."""

    at: str


class FileDigest(msgspec.Struct, frozen=True):
    """A file that the plan was made from, and its SHA-256 in hex."""

    path: str
    sha256: str


class BatchEvent(_Event, tag="batch", kw_only=True, frozen=True):
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
    gone: list[str] = []


class SessionEvent(_Event, tag="session", kw_only=True, frozen=True):
    """One process began or ended its work on the batch.

    ``server_offset_s`` is how far the server's clock was ahead; ``rate`` is the rate learned, where the next starts;
    ``organization`` is the id of the organisation that the API key belongs to, if the service reveals it.
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


class AttemptEvent(_Event, tag="attempt", kw_only=True, frozen=True):
    """Attempt ``n`` of a run is about to be sent. Durable before its POST leaves.

    ``name`` is what the run is looked for by if the response is lost: then neither plan nor manifest is needed. Ledgers of
    version 0.1 do not have it.
    """

    key: str
    n: int
    name: str = ""
    generation: int = 1


class SubmittedEvent(_Event, tag="submitted", kw_only=True, frozen=True):
    """The run exists. ``duplicates`` are further runs of the same name that settling found."""

    key: str
    n: int
    run_id: str
    name: str
    status: str | None = None
    point: msgspec.Raw = msgspec.Raw(b"{}")
    via: Literal["response", "settled", "recovered", "resolved"] = "response"
    duplicates: list[str] = []
    generation: int = 1


class RefusedEvent(_Event, tag="refused", kw_only=True, frozen=True):
    """The attempt created nothing and is tried again in ``retry_in`` seconds; no status means that it never left."""

    key: str
    n: int
    status: int | None = None
    code: str | None = None
    retry_in: float | None = None


class UnknownEvent(_Event, tag="unknown", kw_only=True, frozen=True):
    """The attempt may have created a run. ``created``: it has, but its id could not be read."""

    key: str
    n: int
    reason: str
    created: bool = False


class AbsentEvent(_Event, tag="absent", kw_only=True, frozen=True):
    """Settling concluded that the attempts so far created no run; the run is pending again."""

    key: str
    n: int


class DuplicatesEvent(_Event, tag="duplicates", kw_only=True, frozen=True):
    """The last look at a name that was sent more than once; ``run_ids`` are the runs beyond the one that is ours."""

    key: str
    run_ids: list[str] = []


class ForeignEvent(_Event, tag="foreign", kw_only=True, frozen=True):
    """A person decided that these runs, although their names are planned, belong to another batch: never adopt them."""

    run_ids: list[str]


class ResolvedEvent(_Event, tag="resolved", kw_only=True, frozen=True):
    """A person decided about an unknown run: it is to be sent again. Adopting is a ``submitted`` event instead."""

    key: str
    n: int


class DroppedEvent(_Event, tag="dropped", kw_only=True, frozen=True):
    """A person decided that a run is not to be sent (again)."""

    key: str
    n: int
    name: str = ""


class _EndEvent(_Event, kw_only=True, frozen=True):
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
    """The service will not create this run as it is."""


class FailedEvent(_EndEvent, tag="failed", kw_only=True, frozen=True):
    """The attempts are used up, and no run exists."""


class StatusEvent(_Event, tag="status", kw_only=True, frozen=True):
    """What the service says of a run, written when it changes; times as the service wrote them.

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


class CostEvent(_Event, tag="cost", kw_only=True, frozen=True):
    """What a run cost so far; decimals as text, as the service writes them. ``final`` never changes again."""

    key: str
    run_id: str
    state: Literal["live", "settling", "final"]
    cost: str | None = None
    currency: str | None = None
    spatial_units: str | None = None


class CancelEvent(_Event, tag="cancel", kw_only=True, frozen=True):
    """A person decided to cancel this run. Durable before the call leaves."""

    key: str
    run_id: str


class RerunEvent(_Event, tag="rerun", kw_only=True, frozen=True):
    """A person decided to run these planned runs again, as the given generation, with some ``[run]`` settings replaced.

    Their keys stay those of the plan's payloads; the ids of their earlier runs are kept.
    """

    keys: list[str]
    generation: int
    overrides: dict[str, Any] = {}


class UploadEvent(_Event, tag="upload", kw_only=True, frozen=True):
    """A local file is in storage: its content under ``destination``, for runs of this region."""

    path: str
    sha256: str
    region: str
    destination: str


class RateEvent(_Event, tag="rate", kw_only=True, frozen=True):
    """The rate limit learned so far: a session that is killed leaves it to its successor."""

    rate_per_s: float
    window_s: float | None = None


class CompactedEvent(_Event, tag="compacted", kw_only=True, frozen=True):
    """What the lines before this one once added up to, before those that no longer matter were left out."""

    attempts: int
    settled: int
    sessions: int
    refusals: dict[str, int] = {}
    gone: dict[str, int] = {}


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
"""One line as its event; raises msgspec.DecodeError when it is none."""


def event_line(event: Event) -> bytes:
    """An event as its line, newline included."""
    return _encode(event) + b"\n"


def timestamp(epoch_s: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(epoch_s % 1 * 1000):03d}Z"


def epoch_seconds(at: str) -> float:
    """The other way round; a time without an offset is UTC, an unreadable one is the epoch."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


class LedgerClock:
    """Writes the time into events."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    @staticmethod
    def now() -> float:
        """Epoch seconds of a clock that never steps."""
        return steady_now()

    def stamp(self) -> str:
        """The time as the ledger writes it; the text of a second is made once."""
        now = self.now()
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = timestamp(second)[:-4]
        return f"{self._text}{int((now - second) * 1000):03d}Z"
