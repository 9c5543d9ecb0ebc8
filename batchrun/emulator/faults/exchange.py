"""One request and its answer on the wire, and the ways in which an answer can be missing."""

import asyncio
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from batchrun.emulator.settings import EmulatorSettings

__all__ = ["RESET", "Exchange"]

RESET = "batchrun.reset"
"""The ASGI extension of our own server: a function that resets the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that goes wrong, with its number and the settings when it came."""

    settings: EmulatorSettings
    number: int
    scope: Scope
    receive: Receive
    send: Send

    @property
    def request_id(self) -> str:
        text: str = self.scope["state"]["request_id"]
        return text

    @property
    def has_socket(self) -> bool:
        return RESET in self.scope.get("extensions", {})

    async def answer(self, response: Response) -> None:
        await response(self.scope, self.receive, self.send)

    async def body(self) -> bytes:
        """The whole body of the request; can be had once."""
        parts: list[bytes] = []
        while True:
            message = await self.receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)

    async def reset(self) -> None:
        """Send a TCP reset instead of an answer; without a socket, raise what a reset raises.

        Raises:
            ConnectionResetError: the request came through no socket of ours.

        """
        if not self.has_socket:
            raise ConnectionResetError("the emulator took the answer away")
        self.scope["extensions"][RESET]["now"]()
        await self._disconnect()

    async def hang(self) -> None:
        """Say nothing until the client has gone; after ``hang_s`` reset the connection."""
        try:
            async with asyncio.timeout(self.settings.hang_s):
                await self._disconnect()
        except TimeoutError:
            await self.reset()

    async def cut(self, messages: list[Message]) -> None:
        """Announce the whole answer and send half: the server closes what was not finished."""
        body = whole(messages)
        await self.send(messages[0])
        await self.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        if not self.has_socket:
            raise ConnectionResetError("the emulator cut the answer")

    async def garble(self, messages: list[Message]) -> None:
        """Send as many bytes as announced, none of them JSON."""
        length = len(whole(messages))
        await self.send(messages[0])
        await self.send({"type": "http.response.body", "body": (b"\x00\xff{]garbled" * length)[:length]})

    async def _disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def whole(messages: list[Message]) -> bytes:
    """The body of an answer whose first message is its start."""
    return b"".join(message.get("body", b"") for message in messages[1:])
