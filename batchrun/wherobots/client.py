"""A client of the Runs API. One request per call: no retries, no rate limiting, no batches."""

import platform
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec
from typing_extensions import override

from batchrun.errors import ApiError, Trouble
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable
from batchrun.wherobots.clock import ServerClock
from batchrun.wherobots.httpx_transport import HttpxTransport
from batchrun.wherobots.rate_headers import rate_hint
from batchrun.wherobots.retry_after import retry_after_s
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.summaries import Organization, RunSummary, RunSummaryPage, is_usable_id
from batchrun.wherobots.transport import Reply, SendTrace, Transport
from batchrun.wherobots.transports import timeouts_of
from batchrun.wherobots.views import LogsResponse, RunView

__all__ = ["MAX_PAGE_SIZE", "RunsClient"]

MAX_PAGE_SIZE = 100
LEAST_KEY_LENGTH = 8
"""Shorter keys are not masked: they could be part of any word, and real keys are far longer."""
_RELEASE = version("batchrun-wherobots")
"""Looked up on import, because that reads files and a client is opened inside the event loop."""

# Decoders are built once; building one costs more than a decode.
_read_summary = msgspec.json.Decoder(RunSummary).decode
_read_organization = msgspec.json.Decoder(Organization).decode
_read_page = msgspec.json.Decoder(RunSummaryPage).decode

T = TypeVar("T")


class _ErrorItem(msgspec.Struct):
    """One error of an error body, read leniently: any field may be missing."""

    code: str | None = None
    message: str | None = None
    field: str | None = None
    suggestion: str | None = None


class _ErrorBody(msgspec.Struct):
    errors: list[_ErrorItem] = []


_read_error_body = msgspec.json.Decoder(_ErrorBody).decode


class RunsClient:
    """A client for one service and one API key. It opens and closes its transport.

    Any httpx transport works too, such as ``httpx.ASGITransport`` for an application in the same process.
    """

    def __init__(self, settings: ApiSettings, transport: Transport | httpx.AsyncBaseTransport) -> None:
        self.settings = settings
        self.clock = ServerClock()
        self._transport: Transport = (
            HttpxTransport(transport, timeouts_of(settings))
            if isinstance(transport, httpx.AsyncBaseTransport)
            else transport
        )
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
            reply = await self._transport.send("POST", self._create_url(region), body, trace)
        except Exception as error:  # noqa: BLE001 - transports differ in what they raise; only the outcome matters
            return Lost(_reason(error), sent=trace.started)
        self.clock.read(reply.headers.get("Date"))
        return self._answer(reply)

    async def get(self, run_id: str) -> RunView:
        """Fetch one run.

        Raises:
            ApiError: the service refused, or the response cannot be parsed.

        """
        content = await self._ask("GET", f"/runs/{quote(run_id, safe='')}")
        return _readable(_read_run, content, "GET /runs/{id}")

    async def organization_id(self) -> str:
        """The id of the organisation that the key belongs to.

        The service's own clients use this call, and it is not part of the public contract: it may be refused.

        Raises:
            ApiError: the service refused, or the answer has no id.

        """
        content = await self._ask("GET", "/organization")
        return _readable(_read_organization, content, "GET /organization").id

    async def cancel(self, run_id: str) -> None:
        """Cancel a run; its status may take a minute to change.

        Raises:
            ApiError: the service refused.

        """
        await self._ask("POST", f"/runs/{quote(run_id, safe='')}/cancel")

    async def logs(self, run_id: str, *, cursor: str = "0", size: int = MAX_PAGE_SIZE) -> LogsResponse:
        """Fetch one page of a run's log, starting at ``cursor``.

        Raises:
            ApiError: the service refused, or the response cannot be parsed.

        """
        query = urlencode({"cursor": cursor, "size": size})
        content = await self._ask("GET", f"/runs/{quote(run_id, safe='')}/logs?{query}")
        return _readable(_read_logs, content, "GET /runs/{id}/logs")

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
        content = await self._ask("GET", f"/runs?{urlencode(query)}")
        return _readable(_read_page, content, "GET /runs")

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
            ApiError: a page cannot be fetched.

        """
        cursor: str | None = None
        while True:
            page = await self.list_page(
                name=name, region=region, created_after=created_after, status=status, cursor=cursor
            )
            for head in page.items:
                yield head
            cursor = page.next_page
            if cursor is None:
                return

    def _create_url(self, region: str) -> str:
        if (url := self._urls.get(region)) is None:
            url = self._urls[region] = f"{self.settings.base_url}/runs?{urlencode({'region': region})}"
        return url

    def _answer(self, reply: Reply) -> Answer:
        if not reply.is_success:
            return self._refused(reply)
        if reply.broken is not None:
            return Unreadable(reply.status, reply.broken)
        try:
            head = _read_summary(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Unreadable(reply.status, f"the body cannot be parsed: {error}")
        if not is_usable_id(head.id):
            return Unreadable(reply.status, f"the body has an unusable id, {head.id[:40]!r}")
        return Created(head.id, head.status, rate_hint(reply.headers, now=self.clock.now()))

    def _refused(self, reply: Reply) -> Refused:
        wait = retry_after_s(reply.headers.get("Retry-After"), now=self.clock.now())
        hint = rate_hint(reply.headers, now=self.clock.now())
        return Refused(_trouble(reply.status, self._without_key(reply.body)), wait, hint)

    def _without_key(self, content: bytes) -> bytes:
        """The body with the API key masked: a refusal may quote the key, and is written to the ledger and the screen."""
        key = self.settings.secret.encode()
        return content.replace(key, b"********") if len(key) >= LEAST_KEY_LENGTH else content

    async def _ask(self, method: str, path: str) -> bytes:
        place = f"{method} {path.partition('?')[0]}"
        try:
            reply = await self._transport.send(method, self.settings.base_url + path, None, SendTrace())
        except Exception as error:
            raise ApiError(place, f"no response: {_reason(error)}", "check that the service is up") from error
        self.clock.read(reply.headers.get("Date"))
        if not reply.is_success:
            raise _api_error(place, self._refused(reply))
        if reply.broken is not None:
            raise ApiError(place, f"the response was cut off: {reply.broken}", "try again")
        return reply.body


def _headers(settings: ApiSettings) -> dict[str, str]:
    return {
        "X-API-Key": settings.secret,
        "Accept": "application/json",
        "User-Agent": f"batchrun/{_RELEASE}",
        "X-Wherobots-Client": f"client=batchrun;ver={_RELEASE};plat={platform.system().lower()}",
    }


def _trouble(status: int, content: bytes) -> Trouble:
    """The status with the first error of the body; only the status if the body is not the API's own."""
    try:
        body = _read_error_body(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Trouble(status=status)
    if not body.errors:
        return Trouble(status=status)
    first = body.errors[0]
    return Trouble(
        status=status, code=first.code, message=first.message, field=first.field, suggestion=first.suggestion
    )


def _api_error(place: str, refused: Refused) -> ApiError:
    trouble = refused.trouble
    return ApiError(
        place, trouble.describe(), trouble.suggestion or "", trouble=trouble, retry_after_s=refused.retry_after_s
    )


def _readable(read: Callable[[bytes], T], content: bytes, place: str) -> T:
    try:
        return read(content)
    except ValueError as error:  # the base of both msgspec's and pydantic's errors
        raise ApiError(place, f"the response cannot be parsed: {str(error).splitlines()[0]}") from error


def _read_run(content: bytes) -> RunView:
    return RunView.model_validate_json(content, extra="allow")


def _read_logs(content: bytes) -> LogsResponse:
    return LogsResponse.model_validate_json(content, extra="allow")


def _reason(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _iso(epoch_s: float) -> str:
    # With an explicit Z: the contract does not say how a time without an offset is read.
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
