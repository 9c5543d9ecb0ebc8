"""Fault injection as middleware around a service that knows nothing of it.

A fault before the commit never lets the request reach the service; a fault after it replaces the service's response.
"""

import asyncio
from collections.abc import Callable, Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchrun.emulator.faults.exchange import Exchange
from batchrun.emulator.faults.fault_responses import REFUSALS, login_page, not_found, refusal, server_error
from batchrun.emulator.faults.lists import LIST_FAULTS, LIST_REFUSALS
from batchrun.emulator.schedule import FaultSchedule, uniform
from batchrun.emulator.settings import EmulatorSettings, LateCommitResponse
from batchrun.emulator.stats import Stats

__all__ = ["FAULTS", "FaultMiddleware", "choose_fault", "is_api_path"]

BEFORE_COMMIT = (
    *REFUSALS,
    "not_found",
    "login_page",
    "error_before_commit",
    "reset_before_commit",
    "hang_before_commit",
    "late_commit",
)
AFTER_COMMIT = ("error_after_commit", "reset_after_commit", "cut_body", "garbled_body", "trickle", "hang")
FAULTS = (*BEFORE_COMMIT, *AFTER_COMMIT)
"""In order of precedence: the first that applies is used. ``slow`` is not among them; it combines with any of them."""

_LOSSES: tuple[LateCommitResponse, ...] = ("none", "error", "reset")


def choose_fault(settings: EmulatorSettings, number: int, names: Sequence[str] = FAULTS) -> str | None:
    """The first fault of ``names`` that hits request ``number``, or None."""
    for name in names:
        schedule: FaultSchedule = getattr(settings.faults, name)
        if schedule.probability and schedule.applies(settings.seed, name, number):
            return name
    return None


class FaultMiddleware:
    """ASGI middleware that makes requests fail as configured."""

    def __init__(self, app: ASGIApp, settings: Callable[[], EmulatorSettings], stats: Stats) -> None:
        self._app = app
        self._settings = settings
        self._stats = stats
        # The event loop keeps only weak references to tasks, so these would otherwise be collected while they wait.
        self._late_commits: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self._settings()
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("GET", "/runs"):
            number = self._stats.next_number("list")
            fault = choose_fault(settings, number, LIST_FAULTS)
            if fault is not None:
                self._stats.count_fault(fault)
            if fault in LIST_REFUSALS:
                exchange = Exchange(settings=settings, number=number, scope=scope, receive=receive, send=send)
                await exchange.respond(server_error(exchange) if fault == "list_error" else not_found())
                return
            scope["state"]["list_fault"] = fault  # the endpoint changes the page itself
        await self._hit(settings, scope, receive, send)

    async def _hit(self, settings: EmulatorSettings, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the configured faults hit any request that is in scope."""
        if not _is_in_scope(scope, settings):
            await self._app(scope, receive, send)
            return
        number = self._stats.next_number()
        if settings.faults.slow.applies(settings.seed, "slow", number):
            self._stats.count_fault("slow")
            await asyncio.sleep(settings.slow_s)
        fault = choose_fault(settings, number)
        if fault is None:
            await self._app(scope, receive, send)
            return
        self._stats.count_fault(fault)
        exchange = Exchange(settings=settings, number=number, scope=scope, receive=receive, send=send)
        await (self._fail_before_commit if fault in BEFORE_COMMIT else self._fail_after_commit)(fault, exchange)

    async def _fail_before_commit(self, fault: str, exchange: Exchange) -> None:
        # The body is read even when it is ignored: a client that is still sending would see a reset, not the response.
        body = await exchange.body()
        if fault == "late_commit":
            await self._commit_late(exchange, body)
        elif fault == "hang_before_commit":
            await exchange.hang()
        elif fault == "reset_before_commit":
            await exchange.reset()
        else:
            await exchange.respond(_response_before_commit(fault, exchange))

    async def _fail_after_commit(self, fault: str, exchange: Exchange) -> None:
        messages: list[Message] = []

        async def capture(message: Message) -> None:
            messages.append(message)

        await self._app(exchange.scope, exchange.receive, capture)
        if _is_success(messages):
            await _replace_response(fault, exchange, messages)
        else:  # the service refused the request itself, so there is no created run whose response could be lost
            for message in messages:
                await exchange.send(message)

    async def _commit_late(self, exchange: Exchange, body: bytes) -> None:
        response_lost = asyncio.Event()
        task = asyncio.create_task(self._commit_after(response_lost, exchange, body, self._stats.resets))
        self._late_commits.add(task)
        task.add_done_callback(self._late_commits.discard)
        try:
            await _lose_response(exchange)
        finally:  # without a socket, a client that gives up cancels this very task
            response_lost.set()

    async def _commit_after(self, response_lost: asyncio.Event, exchange: Exchange, body: bytes, resets: int) -> None:
        await response_lost.wait()
        await asyncio.sleep(exchange.settings.late_commit_s)
        if resets != self._stats.resets:
            return  # the emulator was reset meanwhile; this run belongs to the previous period

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def discard(message: Message) -> None:
            del message

        await self._app(dict(exchange.scope), replay, discard)


def _response_before_commit(fault: str, exchange: Exchange) -> Response:
    if fault in REFUSALS:
        return refusal(fault, exchange)
    if fault == "not_found":
        return not_found()
    return login_page() if fault == "login_page" else server_error(exchange)


async def _lose_response(exchange: Exchange) -> None:
    """Fail a request whose run is created later, in the way that ``late_commit_response`` names."""
    way = exchange.settings.late_commit_response
    if way == "mixed":
        way = _LOSSES[int(uniform(exchange.settings.seed, "late_commit_response", exchange.number) * len(_LOSSES))]
    if way == "error":
        await exchange.respond(server_error(exchange))
    elif way == "reset":
        await exchange.reset()
    else:
        await exchange.hang()


async def _replace_response(fault: str, exchange: Exchange, messages: list[Message]) -> None:
    if fault == "error_after_commit":
        await exchange.respond(server_error(exchange))
    elif fault == "reset_after_commit":
        await exchange.reset()
    elif fault == "hang":
        await exchange.hang()
    elif fault == "cut_body":
        await exchange.cut(messages)
    elif fault == "trickle":
        await exchange.trickle(messages)
    else:
        await exchange.garble(messages)


def _is_success(messages: list[Message]) -> bool:
    return str(messages[0]["status"]).startswith("2")


def is_api_path(path: str) -> bool:
    """Whether a path belongs to the API, not to the emulator's control endpoints or its documentation."""
    return path in {"/runs", "/organization"} or path.startswith("/runs/")


def _is_in_scope(scope: Scope, settings: EmulatorSettings) -> bool:
    """Whether faults may hit this request: creating always, other API calls if configured, control endpoints never."""
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    if path == "/runs" and scope["method"] == "POST":
        return True
    return settings.faults_on == "all" and is_api_path(path)
