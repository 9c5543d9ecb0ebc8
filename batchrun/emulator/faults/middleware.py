"""Fault injection as middleware around a service that knows nothing of it.

A fault before the commit never lets the request reach the service; a fault after it replaces the service's response.
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchrun.emulator.faults.exchange import Exchange
from batchrun.emulator.faults.fault_responses import REFUSALS, refusal, server_error
from batchrun.emulator.schedule import FaultSchedule
from batchrun.emulator.settings import EmulatorSettings
from batchrun.emulator.stats import Stats

__all__ = ["FAULTS", "FaultMiddleware", "choose_fault"]

BEFORE_COMMIT = (*REFUSALS, "error_before_commit", "reset_before_commit", "hang_before_commit", "late_commit")
AFTER_COMMIT = ("error_after_commit", "reset_after_commit", "cut_body", "garbled_body", "hang")
FAULTS = (*BEFORE_COMMIT, *AFTER_COMMIT)
"""In order of precedence: the first that applies is used. ``slow`` is not among them; it combines with any of them."""


def choose_fault(settings: EmulatorSettings, number: int) -> str | None:
    """The fault that hits request ``number``, or None."""
    for name in FAULTS:
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
        elif fault == "error_before_commit":
            await exchange.respond(server_error(exchange))
        else:
            await exchange.respond(refusal(fault, exchange))

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
        client_gone = asyncio.Event()
        task = asyncio.create_task(self._commit_after(client_gone, exchange, body, self._stats.resets))
        self._late_commits.add(task)
        task.add_done_callback(self._late_commits.discard)
        try:
            await exchange.hang()
        finally:  # without a socket, a client that gives up cancels this very task
            client_gone.set()

    async def _commit_after(self, client_gone: asyncio.Event, exchange: Exchange, body: bytes, resets: int) -> None:
        await client_gone.wait()
        await asyncio.sleep(exchange.settings.late_commit_s)
        if resets != self._stats.resets:
            return  # the emulator was reset meanwhile; this run belongs to the previous period

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def discard(message: Message) -> None:
            del message

        await self._app(dict(exchange.scope), replay, discard)


async def _replace_response(fault: str, exchange: Exchange, messages: list[Message]) -> None:
    if fault == "error_after_commit":
        await exchange.respond(server_error(exchange))
    elif fault == "reset_after_commit":
        await exchange.reset()
    elif fault == "hang":
        await exchange.hang()
    elif fault == "cut_body":
        await exchange.cut(messages)
    else:
        await exchange.garble(messages)


def _is_success(messages: list[Message]) -> bool:
    return str(messages[0]["status"]).startswith("2")


def _is_in_scope(scope: Scope, settings: EmulatorSettings) -> bool:
    """Whether faults may hit this request: creating always, other API calls if configured, control endpoints never."""
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    if path == "/runs" and scope["method"] == "POST":
        return True
    return settings.faults_on == "all" and (path == "/runs" or path.startswith("/runs/"))
