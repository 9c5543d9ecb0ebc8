"""Access control: API keys, rate limits, request ids, and the count of every response."""

import logging
import time
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchrun.emulator.calls import call_kind
from batchrun.emulator.clock import date_header, server_time
from batchrun.emulator.error_bodies import ErrorDetail, error_response
from batchrun.emulator.faults.limits import Limit, limit_of
from batchrun.emulator.faults.retry_after import retry_after_header
from batchrun.emulator.http.bodies import bounded
from batchrun.emulator.http.guard import Guard
from batchrun.emulator.http.refusals import too_large
from batchrun.emulator.http.request_head import RequestHead, head_of
from batchrun.emulator.settings import EmulatorSettings
from batchrun.emulator.stats import Stats
from batchrun.wherobots.views import ErrorClass

__all__ = ["AccessMiddleware", "ClientRecords"]

_log = logging.getLogger("batchrun.emulator")
_UNAUTHORIZED = "Give a valid API key in the header X-API-Key."


class ClientRecord:
    """Usage of one API key."""

    __slots__ = ("in_flight", "limit", "requests")

    def __init__(self, limit: Limit | None) -> None:
        self.limit = limit
        self.requests = 0
        self.in_flight = 0


class ClientRecords:
    """Usage by API key."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all keys; their age counts from now."""
        self._by_key: dict[str, ClientRecord] = {}
        self.since = time.monotonic()

    def reset_limits(self, settings: EmulatorSettings) -> None:
        """Give every key a new limiter, after the settings changed."""
        for client in self._by_key.values():
            client.limit = limit_of(settings)

    def of(self, key: str, settings: EmulatorSettings) -> ClientRecord:
        client = self._by_key.get(key)
        if client is None:
            client = self._by_key[key] = ClientRecord(limit_of(settings))
        return client


class AccessMiddleware:
    """The outermost ASGI middleware. Fault injection lies inside it, so that a refused request is never also hit."""

    def __init__(
        self, app: ASGIApp, settings: Callable[[], EmulatorSettings], stats: Stats, clients: ClientRecords, guard: Guard
    ) -> None:
        self._app = app
        self._guard = guard
        self._settings = settings
        self._stats = stats
        self._clients = clients
        self._serial = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._serial += 1
        request_id = f"req-{self._serial:08x}"
        scope.setdefault("state", {})["request_id"] = request_id
        recorder = _ResponseRecorder(send, request_id, date_header(self._settings(), self._serial))
        head = head_of(scope)
        refused = self._guard.refusal(head, scope["path"], self._settings())
        if refused is not None:
            await error_response(refused[0], refused[1], request_id)(scope, receive, recorder)
            return
        # Only calls of the API need a key, have limits, and are counted.
        kind = scope["state"]["call"] = call_kind(scope["method"], scope["path"])
        if kind is None:
            await self._pass_on(head, scope, receive, recorder)
            return
        self._stats.start_request(kind)
        try:
            await self._handle(head, scope, receive, recorder)
        finally:
            self._stats.end_request(_endpoint_name(scope["method"], scope["path"]), recorder.status, time.time())

    async def _pass_on(self, head: RequestHead, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, unless its body is too large. Uploads have a limit of their own."""
        settings = self._settings()
        body = receive if scope["state"]["call"] == "upload" else await bounded(receive, head, settings.max_body_bytes)
        if body is None:
            response = error_response(413, too_large(settings), scope["state"]["request_id"])
            await response(scope, receive, send)
        else:
            await self._app(scope, body, send)

    async def _handle(self, head: RequestHead, scope: Scope, receive: Receive, send: "_ResponseRecorder") -> None:
        settings = self._settings()
        key = head.key
        client = self._clients.of(key, settings)
        refusal = self._refusal(settings, key, client, scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        scope["state"]["organization"] = settings.organizations.get(key, settings.default_organization)
        client.in_flight += 1
        try:
            await self._pass_on(head, scope, receive, send)
        except ClientDisconnect:
            return  # a client that is gone before its body arrived, as after a kill -9; nobody reads an answer
        except Exception as error:
            # Without a socket, ConnectionResetError is how a fault reports a lost response.
            if send.status is not None or isinstance(error, ConnectionResetError):
                raise
            _log.exception("the emulator failed")
            detail = ErrorDetail(code=ErrorClass.INTERNAL_SERVER_ERROR, message="The emulator itself failed")
            await error_response(500, detail, scope["state"]["request_id"])(scope, receive, send)
        finally:
            client.in_flight -= 1

    def _refusal(self, settings: EmulatorSettings, key: str, client: ClientRecord, scope: Scope) -> Response | None:
        request_id = scope["state"]["request_id"]
        if scope["state"]["call"] == "upload":  # whoever has an upload URL may use it
            return None
        client.requests += 1
        if (reason := self._key_problem(settings, key, client)) is not None:
            detail = ErrorDetail(code=ErrorClass.UNAUTHORIZED_ERROR, message=reason, suggestion=_UNAUTHORIZED)
            return error_response(401, detail, request_id)
        # Counted above all the same: a key expires by its calls, whether or not they are limited.
        if settings.limit_on == "create" and scope["state"]["call"] != "create":
            return None
        max_in_flight = settings.max_requests_at_once
        wait_s = client.limit.acquire(time.monotonic()) if client.limit is not None else 0.0
        if wait_s <= 0 and (max_in_flight is None or client.in_flight < max_in_flight):
            return None
        message = "Too many requests" if wait_s > 0 else "Too many requests at once"
        detail = ErrorDetail(code=ErrorClass.RATE_LIMIT_ERROR, message=message, suggestion="Send fewer requests.")
        headers = retry_after_header(settings.retry_after, wait_s or 1.0, client.requests, now=server_time(settings))
        return error_response(429, detail, request_id, headers)

    def _key_problem(self, settings: EmulatorSettings, key: str, client: ClientRecord) -> str | None:
        if not key or not _is_known_key(settings, key):
            return "No valid API key was given"
        max_requests = settings.key_expires_after_requests
        if max_requests is not None and client.requests > max_requests:
            return "The API key has expired"
        max_age_s = settings.key_expires_after_s
        if max_age_s is not None and time.monotonic() - self._clients.since > max_age_s:
            return "The API key has expired"
        return None


class _ResponseRecorder:
    """Passes messages on with the headers of every response, and remembers the status."""

    __slots__ = ("_headers", "_send", "status")

    def __init__(self, send: Send, request_id: str, date: str | None) -> None:
        self._send = send
        self._headers = [(b"x-request-id", request_id.encode())]
        if date is not None:
            self._headers.append((b"date", date.encode()))
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)


def _is_known_key(settings: EmulatorSettings, key: str) -> bool:
    return settings.api_key is None or key == settings.api_key or key in settings.organizations


def _endpoint_name(method: str, path: str) -> str:
    """A request without its ids, such as ``GET /runs/{id}/logs``, so that statistics stay small."""
    parts = path.strip("/").split("/")
    if len(parts) > 1 and parts[0] in {"runs", "storage", "_uploads"}:
        parts[1] = "{id}"
    return f"{method} /{'/'.join(parts[:3])}"
