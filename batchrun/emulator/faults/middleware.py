"""Fault injection as middleware around a service that knows nothing of it.

A fault before the commit never lets the request reach the service; a fault after it replaces the service's response.
"""

import asyncio
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchrun.emulator.calls import CallKind
from batchrun.emulator.faults.choice import BEFORE_COMMIT, choose_call_fault, choose_fault, is_in_scope
from batchrun.emulator.faults.exchange import Exchange
from batchrun.emulator.faults.fault_responses import (
    REFUSALS,
    login_page,
    not_found,
    refusal,
    refused_call,
    server_error,
)
from batchrun.emulator.faults.lists import LIST_FAULTS, LIST_REFUSALS
from batchrun.emulator.schedule import FaultSchedule, uniform
from batchrun.emulator.settings import EmulatorSettings, LateCommitResponse
from batchrun.emulator.stats import Stats

__all__ = ["FaultMiddleware"]

_LOSSES: tuple[LateCommitResponse, ...] = ("none", "error", "reset")


class FaultMiddleware:
    """ASGI middleware that makes requests fail as configured."""

    def __init__(self, app: ASGIApp, settings: Callable[[], EmulatorSettings], stats: Stats) -> None:
        self._app = app
        self._settings = settings
        self._stats = stats
        # The event loop keeps only weak references to tasks, so these would otherwise be collected while they wait.
        self._late_commits: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind: CallKind | None = scope["state"].get("call") if scope["type"] == "http" else None
        if kind is None:  # of the emulator's own
            await self._app(scope, receive, send)
            return
        settings = self._settings()
        if kind in settings.refused_calls:
            exchange = Exchange(settings=settings, number=0, scope=scope, receive=receive, send=send)
            await exchange.respond(refused_call(settings.refused_calls[kind], exchange.request_id))
            return
        if kind == "list" and await self._fail_list(settings, scope, receive, send):
            return
        if kind == "create" or settings.faults_on == "all":
            number, slow = self._stats.next_number(), settings.faults.slow
            fault = choose_fault(settings, number)
        elif is_in_scope(kind, settings):
            number, slow = self._stats.next_number("call"), settings.call_faults.slow
            fault = choose_call_fault(settings, number)
        else:
            await self._app(scope, receive, send)
            return
        if fault is None and not slow.probability:
            await self._app(scope, receive, send)
            return
        await self._hit(
            fault, slow, Exchange(settings=settings, number=number, scope=scope, receive=receive, send=send)
        )

    async def _fail_list(self, settings: EmulatorSettings, scope: Scope, receive: Receive, send: Send) -> bool:
        """Whether a fault of lists alone answered the request; other such faults are left to the endpoint."""
        number = self._stats.next_number("list")
        fault = choose_fault(settings, number, LIST_FAULTS)
        if fault is not None:
            self._stats.count_fault(fault)
        if fault not in LIST_REFUSALS:
            scope["state"]["list_fault"] = fault
            return False
        exchange = Exchange(settings=settings, number=number, scope=scope, receive=receive, send=send)
        await exchange.respond(server_error(exchange) if fault == "list_error" else not_found())
        return True

    async def _hit(self, fault: str | None, slow: FaultSchedule, exchange: Exchange) -> None:
        if slow.applies(exchange.settings.seed, "slow", exchange.number):
            self._stats.count_fault("slow")
            await asyncio.sleep(exchange.settings.slow_s)
        if fault is None:
            await self._app(exchange.scope, exchange.receive, exchange.send)
            return
        self._stats.count_fault(fault)
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
