"""A client of the Runs API. One request per call: no retries, no rate limiting, no batches."""

import platform
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import msgspec
from typing_extensions import override

from batchrun.callbacks import ignored
from batchrun.errors import ApiError
from batchrun.redaction import Secrets
from batchrun.wherobots.answers import Answer, Lost, Refused
from batchrun.wherobots.clock import ServerClock
from batchrun.wherobots.network_errors import plain_words
from batchrun.wherobots.reply_reader import ReplyReader
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.summaries import AppSummary, Organization, RunSummary, RunSummaryPage, run_path
from batchrun.wherobots.transport import SMALL_BYTES, SendTrace, Transport, late_words
from batchrun.wherobots.transports import as_transport, is_timeout, timeouts_of

if TYPE_CHECKING:  # loaded by those who use it
    import httpx

    from batchrun.wherobots.views import LogsResponse, RunView

__all__ = ["MAX_PAGE_SIZE", "RunsClient"]

MAX_PAGE_SIZE = 100
LARGE_BYTES = 64 << 20
"""Maximum bytes read of a list or a run: 64 MiB."""
ECHOES = 8
"""The answer to a creation repeats the payload, at most this much longer: escaped, indented, with defaults filled in."""
LATEST_S = 253_402_300_799.0
"""The end of the year 9999, beyond which Python has no dates."""
_RELEASE = version("batchrun-wherobots")
"""Looked up on import, because that reads files and a client is opened inside the event loop."""

_read_object = msgspec.json.Decoder(dict[str, Any]).decode
_read_organization = msgspec.json.Decoder(Organization).decode


class RunsClient:
    """A client for one service and one API key. It opens and closes its transport.

    Any httpx transport works too, such as ``httpx.ASGITransport`` for an application in the same process.
    """

    def __init__(self, settings: ApiSettings, transport: "Transport | httpx.AsyncBaseTransport") -> None:
        self.settings = settings
        self.secrets = Secrets(settings.secrets())
        self.secrets.add_values(settings.hidden)
        """Secrets to mask in everything that the service returns; the engine adds the plan's environment values."""
        self.clock = ServerClock()
        self.has_answered = False
        """Whether any response has arrived; if not, the address is most likely wrong."""
        self._reader = ReplyReader(self.secrets, self.clock)
        self.on_refused: Callable[[ApiError], None] = ignored
        """Called with each refusal of a call other than ``create``, before it is raised. Pacing uses it."""
        self._transport = as_transport(transport, timeouts_of(settings))
        self._urls: dict[str, str] = {}  # by region: every run of a region is posted to the same URL

    @override
    def __repr__(self) -> str:
        return f"<RunsClient {self.settings.base_url}>"

    async def __aenter__(self) -> Self:
        await self._transport.open(_headers(self.settings))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    async def create(self, region: str, body: bytes) -> Answer:
        """Send one ``POST /runs``. Never raises for a failed request: every outcome is a value."""
        trace = SendTrace()
        try:
            most_bytes = min(SMALL_BYTES + ECHOES * len(body), LARGE_BYTES)
            reply = await self._transport.send("POST", self._create_url(region), body, trace, most_bytes=most_bytes)
        except Exception as error:  # noqa: BLE001 - transports differ in what they raise; only the outcome matters
            return Lost(self._reason(error), sent=trace.started)
        self.has_answered = True
        self.clock.read(reply.headers.get("Date"))
        return self._reader.answer(reply)

    async def get(self, run_id: str) -> "RunView":
        """Fetch one run.

        Raises:
            ApiError: the service refused, or the response cannot be parsed.

        """
        from batchrun.wherobots.views import RunView  # noqa: PLC0415 - these models take 10 ms to build

        content = await self.ask("GET", run_path(run_id), most_bytes=LARGE_BYTES)
        return self._reader.view(partial(RunView.model_validate_json, extra="allow"), content, "GET /runs/{id}")

    async def find(self, run_id: str) -> RunSummary:
        """Fetch the fields of one run that batchrun uses; unlike ``get``, ignores contract violations in other fields.

        Raises:
            ApiError: the service refused, or the response cannot be parsed.

        """
        content = await self.ask("GET", run_path(run_id), most_bytes=LARGE_BYTES)
        return self._reader.summary(content, "GET /runs/{id}")

    def app(self, run: RunSummary) -> AppSummary | None:
        """The application that executes a run; None if there is none, or it cannot be parsed."""
        return self._reader.app(run)

    async def organization_id(self) -> str:
        """The id of the organization that the key belongs to.

        The service's own clients use this call, but it is not part of the public contract and may be refused.

        Raises:
            ApiError: the service refused, or the response has no usable id.

        """
        content = await self.ask("GET", "/organization")
        organization = self._reader.view(_read_organization, content, "GET /organization")
        if not self._reader.is_usable(organization.id):
            raise ApiError("GET /organization", f"the response has an unusable id, {organization.id[:40]!r}")
        return organization.id

    async def cancel(self, run_id: str) -> None:
        """Cancel a run; its status may take a minute to change.

        Raises:
            ApiError: the service refused.

        """
        await self.ask("POST", f"{run_path(run_id)}/cancel")

    async def logs(self, run_id: str, *, cursor: str = "0", size: int = MAX_PAGE_SIZE) -> "LogsResponse":
        """Fetch one page of a run's log, starting at ``cursor``.

        Raises:
            ApiError: the service refused, or the response cannot be parsed.

        """
        from batchrun.wherobots.views import LogsResponse  # noqa: PLC0415 - as above

        query = urlencode({"cursor": cursor, "size": size})
        content = await self.ask("GET", f"{run_path(run_id)}/logs?{query}", most_bytes=LARGE_BYTES)
        return self._reader.view(
            partial(LogsResponse.model_validate_json, extra="allow"), content, "GET /runs/{id}/logs"
        )

    async def metrics(self, run_id: str) -> dict[str, Any]:
        """Fetch a run's metrics, as the service writes them.

        Raises:
            ApiError: the service refused, or the response cannot be parsed.

        """
        content = await self.ask("GET", f"{run_path(run_id)}/metrics", place="GET /runs/{id}/metrics")
        return self._reader.view(_read_object, content, "GET /runs/{id}/metrics")

    async def list_page(
        self,
        *,
        name: str | None = None,
        region: str | None = None,
        created_after: float | None = None,
        status: Sequence[str] = (),
        cursor: str | None = None,
        size: int = MAX_PAGE_SIZE,
    ) -> RunSummaryPage:
        """Fetch one page of runs; ``created_after`` is in epoch seconds by the server's clock.

        The API does not state the order of runs.

        Raises:
            ApiError: the service refused, or the response cannot be parsed.

        """
        query: list[tuple[str, str]] = [("size", str(size))]
        query += [("name", name)] if name is not None else []
        query += [("region", region)] if region is not None else []
        query += [("created_after", _iso(created_after))] if created_after is not None else []
        query += [("status", one) for one in status]
        query += [("cursor", cursor)] if cursor is not None else []
        content = await self.ask("GET", f"/runs?{urlencode(query)}", most_bytes=LARGE_BYTES)
        return self._reader.page(content, "GET /runs")

    async def list_runs(
        self,
        *,
        name: str | None = None,
        region: str | None = None,
        created_after: float | None = None,
        status: Sequence[str] = (),
    ) -> AsyncIterator[RunSummary]:
        """Iterate over all matching runs, page by page.

        Raises:
            ApiError: a page cannot be fetched, or the service repeats a cursor, so that the list would never end.

        """
        cursor: str | None = None
        cursors: set[str] = set()
        while True:
            page = await self.list_page(
                name=name, region=region, created_after=created_after, status=status, cursor=cursor
            )
            for head in page.items:
                yield head
            cursor = page.next_page
            if cursor is None:
                return
            if cursor in cursors:
                raise ApiError("GET /runs", f"the list repeats its page {cursor[:40]!r} and never ends")
            cursors.add(cursor)

    def _create_url(self, region: str) -> str:
        if (url := self._urls.get(region)) is None:
            url = self._urls[region] = f"{self.settings.base_url}/runs?{urlencode({'region': region})}"
        return url

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        place: str | None = None,
        most_bytes: int = SMALL_BYTES,
    ) -> bytes:
        """Send one request, and return the body of its response. ``place`` names the call in errors.

        Raises:
            ApiError: the service refused, or no complete response arrived.

        """
        place = place or f"{method} {path.partition('?')[0]}"
        url = self.settings.base_url + path
        try:
            reply = await self._transport.send(method, url, body, SendTrace(), most_bytes=most_bytes)
        except Exception as error:  # noqa: BLE001 - transports differ in what they raise
            # Without the cause: its text is the service's own, and may quote the key.
            raise ApiError(place, f"no response: {self._reason(error)}", "check that the service is up") from None
        self.has_answered = True
        self.clock.read(reply.headers.get("Date"))
        if not reply.is_success:
            refusal = _api_error(place, self._reader.refused(reply))
            self.on_refused(refusal)
            raise refusal
        if reply.broken is not None:
            fix = "check the network, or allow more time with --timeout" if reply.is_late else ""
            prefix = "" if reply.is_late else "the response cannot be read: "
            raise ApiError(place, self._reader.reason(f"{prefix}{reply.broken}"), fix, is_unreadable=True)
        return reply.body

    def _reason(self, error: Exception) -> str:
        """Why no response arrived."""
        text = str(error)
        kinds = [] if is_timeout(error) else [type(error).__name__]
        if not text and is_timeout(error):
            text = late_words(self.settings.timeout_s)
        words = plain_words(error) or self._reader.reason(": ".join(filter(None, [*kinds, text])))
        return f"{words} {self._transport.route}".rstrip()


def _headers(settings: ApiSettings) -> dict[str, str]:
    return {
        "X-API-Key": settings.secret,
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # leaving it out would allow any encoding (RFC 9110, section 12.5.3)
        "User-Agent": f"batchrun/{_RELEASE}",
        "X-Wherobots-Client": f"client=batchrun;ver={_RELEASE};plat={platform.system().lower()}",
    }


def _api_error(place: str, refused: Refused) -> ApiError:
    trouble = refused.trouble
    return ApiError(
        place, trouble.describe(), trouble.suggestion or "", trouble=trouble, retry_after_s=refused.retry_after_s
    )


def _iso(epoch_s: float) -> str:
    # With an explicit Z: the contract does not say how a time without an offset is read. A ledger may hold any time.
    return (
        datetime.fromtimestamp(min(max(epoch_s, 0.0), LATEST_S), UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
