"""The ways in which a response goes missing, without a socket."""

import asyncio
from collections.abc import Iterable

import pytest
from starlette.types import Message

from batchrun.emulator.faults.exchange import RESET, Exchange, body_of
from batchrun.emulator.settings import EmulatorSettings

RESPONSE: list[Message] = [
    {"type": "http.response.start", "status": 201, "headers": []},
    {"type": "http.response.body", "body": b"0123", "more_body": True},
    {"type": "http.response.body", "body": b"456789"},
]
DISCONNECT: Message = {"type": "http.disconnect"}


class Wire:
    """The two ends of an exchange: what the client sends, what it gets, and whether its connection was reset."""

    def __init__(self, messages: Iterable[Message] = (), *, has_socket: bool = True, **settings: float) -> None:
        self.sent: list[Message] = []
        self.resets = 0
        self._messages = iter(messages)
        self.exchange = Exchange(
            settings=EmulatorSettings.model_validate(settings),
            number=1,
            scope={"extensions": {RESET: {"now": self._reset}}} if has_socket else {},
            receive=self._receive,
            send=self._send,
        )

    def _reset(self) -> None:
        self.resets += 1

    async def _receive(self) -> Message:
        message = next(self._messages, None)
        if message is None:
            await asyncio.Event().wait()
            raise AssertionError
        return message

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


async def test_a_body_is_joined_from_its_parts() -> None:
    parts: list[Message] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "body": b"c"},
    ]
    assert await Wire(parts).exchange.body() == b"abc"
    assert body_of(RESPONSE) == b"0123456789"


async def test_a_cut_body_is_half_of_the_whole_and_left_unfinished() -> None:
    wire = Wire()
    await wire.exchange.cut(RESPONSE)
    assert wire.sent[0] == RESPONSE[0]
    assert wire.sent[1] == {"type": "http.response.body", "body": b"01234", "more_body": True}


async def test_a_garbled_body_has_the_announced_length() -> None:
    wire = Wire()
    await wire.exchange.garble(RESPONSE)
    assert len(wire.sent[1]["body"]) == 10
    assert not wire.sent[1].get("more_body")


async def test_a_trickled_body_is_whole_and_one_byte_at_a_time() -> None:
    wire = Wire(trickle_s=0.0)
    await wire.exchange.trickle(RESPONSE)
    assert [message["body"] for message in wire.sent[1:]] == [bytes([byte]) for byte in b"0123456789"]
    assert [message["more_body"] for message in wire.sent[1:]] == [True] * 9 + [False]


async def test_a_trickle_stops_when_the_client_disconnects() -> None:
    wire = Wire([DISCONNECT], trickle_s=5.0)
    await wire.exchange.trickle(RESPONSE)
    assert len(wire.sent) == 2


async def test_a_reset_waits_until_the_client_noticed() -> None:
    wire = Wire([DISCONNECT])
    await wire.exchange.reset()
    assert (wire.resets, wire.sent) == (1, [])


async def test_a_hang_ends_without_a_reset_when_the_client_disconnects() -> None:
    wire = Wire([DISCONNECT])
    await wire.exchange.hang()
    assert wire.resets == 0


async def test_a_hang_that_lasts_too_long_ends_in_a_reset() -> None:
    wire = Wire(has_socket=False, hang_s=0.01)
    with pytest.raises(ConnectionResetError):
        await wire.exchange.hang()


async def test_without_a_socket_a_lost_response_is_an_exception() -> None:
    with pytest.raises(ConnectionResetError):
        await Wire(has_socket=False).exchange.reset()
    with pytest.raises(ConnectionResetError):
        await Wire(has_socket=False).exchange.cut(RESPONSE)
