"""One HTTP exchange, and the ways in which its response can go missing."""

import asyncio
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from batchrun.emulator.settings import EmulatorSettings

__all__ = ["RESET", "Exchange", "body_of"]

RESET = "batchrun.reset"
"""The ASGI extension of our own server: a function that resets the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request hit by a fault, with its number and the settings in force when it arrived."""

    settings: EmulatorSettings
    number: int
    scope: Scope
    receive: Receive
    send: Send

    @property
    def request_id(self) -> str:
        request_id: str = self.scope["state"]["request_id"]
        return request_id

    @property
    def has_socket(self) -> bool:
        return RESET in self.scope.get("extensions", {})

    async def respond(self, response: Response) -> None:
        await response(self.scope, self.receive, self.send)

    async def body(self) -> bytes:
        """The whole request body; can be read once."""
        parts: list[bytes] = []
        while True:
            message = await self.receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)

    async def reset(self) -> None:
        """Reset the TCP connection instead of responding; without a socket, raise what a client would see.

        Raises:
            ConnectionResetError: the request did not arrive through our own server.

        """
        if not self.has_socket:
            raise ConnectionResetError("the emulator reset the connection")
        self.scope["extensions"][RESET]["now"]()
        await self._wait_for_disconnect()

    async def hang(self) -> None:
        """Send nothing until the client disconnects; after ``hang_s`` reset the connection."""
        if not await self._disconnects_within(self.settings.hang_s):
            await self.reset()

    async def cut(self, messages: list[Message]) -> None:
        """Announce the whole body and send half; uvicorn closes the connection of an unfinished response."""
        body = body_of(messages)
        await self.send(messages[0])
        await self.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        if not self.has_socket:
            raise ConnectionResetError("the emulator cut the response short")

    async def trickle(self, messages: list[Message]) -> None:
        """Send the body one byte every ``trickle_s``, until the client gives up."""
        body = body_of(messages)
        await self.send(messages[0])
        for position in range(len(body)):
            is_last = position + 1 == len(body)
            await self.send(
                {"type": "http.response.body", "body": body[position : position + 1], "more_body": not is_last}
            )
            if not is_last and await self._disconnects_within(self.settings.trickle_s):
                return

    async def garble(self, messages: list[Message]) -> None:
        """Send a body of the announced length that is not JSON."""
        length = len(body_of(messages))
        await self.send(messages[0])
        await self.send({"type": "http.response.body", "body": (b"\x00\xff{]garbled" * length)[:length]})

    async def _disconnects_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._wait_for_disconnect()
        except TimeoutError:
            return False
        return True

    async def _wait_for_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def body_of(messages: list[Message]) -> bytes:
    """The body of a captured response, whose first message is its start."""
    return b"".join(message.get("body", b"") for message in messages[1:])
