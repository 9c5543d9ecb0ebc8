"""Misbehaviour, laid around the service that itself knows nothing of it.

What happens before the commit never reaches the service; what happens after it takes the service's answer away.
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchrun.emulator.chance import Fault
from batchrun.emulator.faults.exchange import Exchange
from batchrun.emulator.faults.fault_answers import REFUSING, refused, server_error
from batchrun.emulator.settings import EmulatorSettings
from batchrun.emulator.stats import Stats

__all__ = ["FAULTS", "FaultLayer", "pick"]

BEFORE = (*REFUSING, "error_before_commit", "reset_before_commit", "hang_before_commit", "late_commit")
AFTER = ("error_after_commit", "reset_after_commit", "cut_body", "garbled_body", "hang")
FAULTS = (*BEFORE, *AFTER)
"""In the order in which they are asked; the first that strikes wins. ``slow`` comes on top of any."""


def pick(settings: EmulatorSettings, number: int) -> str | None:
    """The fault that strikes request ``number``, or None."""
    for name in FAULTS:
        fault: Fault = getattr(settings.faults, name)
        if fault.probability and fault.strikes(settings.seed, name, number):
            return name
    return None


class FaultLayer:
    """ASGI middleware that makes requests go wrong as the settings say."""

    def __init__(self, app: ASGIApp, settings: Callable[[], EmulatorSettings], stats: Stats) -> None:
        self._app = app
        self._settings = settings
        self._stats = stats
        self._commits_to_come: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self._settings()
        if not _is_concerned(scope, settings):
            await self._app(scope, receive, send)
            return
        number = self._stats.next_number()
        if settings.faults.slow.strikes(settings.seed, "slow", number):
            self._stats.fault("slow")
            await asyncio.sleep(settings.slow_s)
        fault = pick(settings, number)
        if fault is None:
            await self._app(scope, receive, send)
            return
        self._stats.fault(fault)
        exchange = Exchange(settings=settings, number=number, scope=scope, receive=receive, send=send)
        await (self._go_wrong_before if fault in BEFORE else self._go_wrong_after)(fault, exchange)

    async def _go_wrong_before(self, fault: str, exchange: Exchange) -> None:
        body = await exchange.body()
        if fault == "late_commit":
            await self._commit_late(exchange, body)
        elif fault == "hang_before_commit":
            await exchange.hang()
        elif fault == "reset_before_commit":
            await exchange.reset()
        elif fault == "error_before_commit":
            await exchange.answer(server_error(exchange))
        else:
            await exchange.answer(refused(fault, exchange))

    async def _go_wrong_after(self, fault: str, exchange: Exchange) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(exchange.scope, exchange.receive, keep)
        if _is_success(messages):
            await _spoil(fault, exchange, messages)
        else:  # nothing was committed, so there is nothing to take away
            for message in messages:
                await exchange.send(message)

    async def _commit_late(self, exchange: Exchange, body: bytes) -> None:
        given_up = asyncio.Event()
        task = asyncio.create_task(self._commit_after(given_up, exchange, body, self._stats.era))
        self._commits_to_come.add(task)
        task.add_done_callback(self._commits_to_come.discard)
        try:
            await exchange.hang()
        finally:  # also when the client's own task was cancelled, as happens without a socket
            given_up.set()

    async def _commit_after(self, given_up: asyncio.Event, exchange: Exchange, body: bytes, era: int) -> None:
        await given_up.wait()
        await asyncio.sleep(exchange.settings.late_commit_s)
        if era != self._stats.era:
            return  # everything of before was forgotten meanwhile

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def nobody_listens(message: Message) -> None:
            del message

        await self._app(dict(exchange.scope), replay, nobody_listens)


async def _spoil(fault: str, exchange: Exchange, messages: list[Message]) -> None:
    if fault == "error_after_commit":
        await exchange.answer(server_error(exchange))
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


def _is_concerned(scope: Scope, settings: EmulatorSettings) -> bool:
    """Creating always is, other calls where the settings say so; what only testers call never is."""
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    if path == "/runs" and scope["method"] == "POST":
        return True
    return settings.faults_on == "all" and (path == "/runs" or path.startswith("/runs/"))
