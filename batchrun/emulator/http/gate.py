"""The door of the service: who may come in, how often, and a request id for everyone."""

import logging
import time
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchrun.emulator.faults.limits import Limit, limit_of
from batchrun.emulator.faults.retry_hints import retry_after_header
from batchrun.emulator.problems import ErrorDetail, refusal
from batchrun.emulator.settings import EmulatorSettings
from batchrun.emulator.stats import Stats
from batchrun.wherobots.views import ErrorClass

__all__ = ["AccessMiddleware", "ClientRecords", "key_in"]

_log = logging.getLogger("batchrun.emulator")
_UNAUTHORIZED = "Give a valid API key in the header X-API-Key."


class Visitor:
    """What is known of one key."""

    __slots__ = ("at_once", "limit", "requests")

    def __init__(self, limit: Limit | None) -> None:
        self.limit = limit
        self.requests = 0
        self.at_once = 0


class ClientRecords:
    """Everyone who came, by key."""

    def __init__(self) -> None:
        self.start_again()

    def start_again(self) -> None:
        """Forget all keys and their age."""
        self._by_key: dict[str, Visitor] = {}
        self.since = time.monotonic()

    def limit_anew(self, settings: EmulatorSettings) -> None:
        """Begin every key's limit anew, after the settings changed."""
        for visitor in self._by_key.values():
            visitor.limit = limit_of(settings)

    def of(self, key: str, settings: EmulatorSettings) -> Visitor:
        visitor = self._by_key.get(key)
        if visitor is None:
            visitor = self._by_key[key] = Visitor(limit_of(settings))
        return visitor


class AccessMiddleware:
    """ASGI middleware, outermost of ours: request ids, keys, limits, and the count of all answers."""

    def __init__(
        self, app: ASGIApp, settings: Callable[[], EmulatorSettings], stats: Stats, visitors: ClientRecords
    ) -> None:
        self._app = app
        self._settings = settings
        self._stats = stats
        self._clients = visitors
        self._serial = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._serial += 1
        request_id = f"req-{self._serial:08x}"
        scope.setdefault("state", {})["request_id"] = request_id
        path: str = scope["path"]
        if path != "/runs" and not path.startswith("/runs/"):
            await self._app(scope, receive, _Stamp(send, request_id))
            return
        stamp = _Stamp(send, request_id)
        self._stats.begin()
        try:
            await self._let_in(scope, receive, stamp)
        finally:
            self._stats.end(_call_name(scope["method"], path), stamp.status, time.time())

    async def _let_in(self, scope: Scope, receive: Receive, send: "_Stamp") -> None:
        settings = self._settings()
        key = key_in(scope)
        visitor = self._clients.of(key, settings)
        refused = self._refused(settings, key, visitor, scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        visitor.at_once += 1
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if send.status is not None or isinstance(error, ConnectionResetError):
                raise
            _log.exception("the emulator failed")
            wrong = ErrorDetail(code=ErrorClass.INTERNAL_SERVER_ERROR, message="The emulator itself failed")
            await refusal(500, wrong, scope["state"]["request_id"])(scope, receive, send)
        finally:
            visitor.at_once -= 1

    def _refused(self, settings: EmulatorSettings, key: str, visitor: Visitor, scope: Scope) -> Response | None:
        request_id = scope["state"]["request_id"]
        visitor.requests += 1
        if (reason := self._key_problem(settings, key, visitor)) is not None:
            wrong = ErrorDetail(code=ErrorClass.UNAUTHORIZED_ERROR, message=reason, suggestion=_UNAUTHORIZED)
            return refusal(401, wrong, request_id)
        if settings.limit_on == "create" and not (scope["method"] == "POST" and scope["path"] == "/runs"):
            return None
        most = settings.max_requests_at_once
        wait_s = visitor.limit.ask(time.monotonic()) if visitor.limit is not None else 0.0
        if wait_s <= 0 and (most is None or visitor.at_once < most):
            return None
        message = "Too many requests" if wait_s > 0 else "Too many requests at once"
        wrong = ErrorDetail(code=ErrorClass.RATE_LIMIT_ERROR, message=message, suggestion="Send fewer requests.")
        headers = retry_after_header(settings.retry_after, wait_s or 1.0, visitor.requests)
        return refusal(429, wrong, request_id, headers)

    def _key_problem(self, settings: EmulatorSettings, key: str, visitor: Visitor) -> str | None:
        if not key or (settings.api_key is not None and key != settings.api_key):
            return "No valid API key was given"
        last = settings.key_expires_after_requests
        if last is not None and visitor.requests > last:
            return "The API key has expired"
        age_s = settings.key_expires_after_s
        if age_s is not None and time.monotonic() - self._clients.since > age_s:
            return "The API key has expired"
        return None


class _Stamp:
    """Sends on, with the request id in the headers; remembers the status."""

    __slots__ = ("_header", "_send", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._header = (b"x-request-id", request_id.encode())
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), self._header]
        await self._send(message)


def key_in(scope: Scope) -> str:
    """The API key or bearer token of a request; empty when there is none."""
    bearer = ""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return str(value.decode("latin-1")).strip()
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer = value[7:].decode("latin-1").strip()
    return bearer


def _call_name(method: str, path: str) -> str:
    parts = path.strip("/").split("/")
    if len(parts) > 1:
        parts[1] = "{id}"
    return f"{method} /{'/'.join(parts[:3])}"
