"""Every way in which a connection can break, over real sockets, for each transport."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx  # noqa: F401 - otherwise imported inside the event loop, where reading files is an error
import pytest
from pydantic import SecretStr

from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import TransportKind, open_transport

RUN = b'{"id":"gt3oirei5widjk","status":"PENDING"}'
KINDS = pytest.mark.parametrize("kind", list(TransportKind))


def answer(body: bytes, status: str = "201 Created", length: int | None = None, headers: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


def read_request(connection: socket.socket) -> bytes:
    """The head of a request, after reading all of it; empty if the client has disconnected."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Server:
    """Accepts connections and passes each to ``behave``, which returns how many requests it read."""

    def __init__(self, behave: Callable[[socket.socket], int]) -> None:
        self.seen = 0
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self.seen += self._behave(connection)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@contextmanager
def serving(behave: Callable[[socket.socket], int]) -> Iterator[Server]:
    server = Server(behave)
    try:
        yield server
    finally:
        server.close()


async def create(url: str, kind: TransportKind, *, times: int = 1, timeout_s: float = 0.4) -> Answer:
    settings = ApiSettings(api_key=SecretStr("k-123"), base_url=url, timeout_s=timeout_s)
    async with RunsClient(settings, open_transport(settings, connections=2, kind=kind)) as client:
        for _ in range(times - 1):
            assert isinstance(await client.create("aws-us-west-2", b"{}"), Created)
        return await client.create("aws-us-west-2", b"{}")


def replying(reply: bytes) -> Callable[[socket.socket], int]:
    def behave(connection: socket.socket) -> int:
        read_request(connection)
        connection.sendall(reply)
        return 1

    return behave


def ending(how: Callable[[socket.socket], None]) -> Callable[[socket.socket], int]:
    def behave(connection: socket.socket) -> int:
        read_request(connection)
        how(connection)
        return 1

    return behave


def silent(connection: socket.socket) -> int:
    read_request(connection)
    connection.recv(1)
    return 1


def reset_the_second(connection: socket.socket) -> int:
    read_request(connection)
    connection.sendall(answer(RUN))
    read_request(connection)
    reset(connection)
    return 2


@KINDS
async def test_a_created_run_is_read(kind: TransportKind) -> None:
    with serving(replying(answer(RUN))) as server:
        assert await create(server.url, kind) == Created("gt3oirei5widjk", "PENDING")


@KINDS
async def test_nothing_listening_is_proven_unsent(kind: TransportKind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    lost = await create(f"http://127.0.0.1:{port}", kind)
    assert isinstance(lost, Lost)
    assert not lost.sent


@KINDS
async def test_tls_to_a_plain_port_is_proven_unsent(kind: TransportKind) -> None:
    with serving(replying(answer(RUN))) as server:
        lost = await create(server.url.replace("http:", "https:"), kind)
    assert isinstance(lost, Lost)
    assert not lost.sent


@KINDS
@pytest.mark.parametrize(
    "behave",
    [ending(socket.socket.close), ending(reset), silent, replying(b"garbage\r\n\r\n"), replying(b"HTTP/1.1 20")],
)
async def test_a_connection_that_breaks_after_the_request_was_read_is_never_unsent(
    kind: TransportKind, behave: Callable[[socket.socket], int]
) -> None:
    with serving(behave) as server:
        lost = await create(server.url, kind)
    assert isinstance(lost, Lost)
    assert lost.sent
    assert server.seen == 1


@KINDS
async def test_a_kept_connection_reset_on_its_second_request_is_lost_and_not_sent_again(kind: TransportKind) -> None:
    with serving(reset_the_second) as server:
        lost = await create(server.url, kind, times=2)
    assert isinstance(lost, Lost)
    assert lost.sent
    assert server.seen == 2


@KINDS
@pytest.mark.parametrize(
    "reply",
    [
        answer(RUN, length=500),
        answer(RUN[:20]),
        answer(b""),
        answer(b"\xff\xfe\x00"),
        answer(b"[]"),
        answer(b'{"id":""}'),
        answer(b'{"id":7}'),
        answer(b'{"name":"no id"}', status="200 OK"),
        answer(b"not gzip", headers="Content-Encoding: gzip\r\n"),
    ],
)
async def test_a_2xx_without_a_readable_id_is_unreadable(kind: TransportKind, reply: bytes) -> None:
    with serving(replying(reply)) as server:
        assert isinstance(await create(server.url, kind), Unreadable)


@KINDS
async def test_a_body_that_breaks_the_protocol_is_never_unsent(kind: TransportKind) -> None:
    chunked = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    with serving(replying(chunked)) as server:
        outcome = await create(server.url, kind)
    # aiohttp reads status and body in one go here, and reports neither.
    assert isinstance(outcome, Unreadable) or (isinstance(outcome, Lost) and outcome.sent)


@KINDS
async def test_a_refusal_keeps_the_error_body(kind: TransportKind) -> None:
    body = b'{"errors":[{"code":"CONFLICT_ERROR","message":"no","details":"d","path":"p","field":"name","x":1}],"requestId":"r1"}'
    with serving(replying(answer(body, "409 Conflict", headers="Retry-After: 5.2\r\n"))) as server:
        refused = await create(server.url, kind)
    assert isinstance(refused, Refused)
    assert (refused.http_status, refused.retry_after_s) == (409, 5.2)
    assert (refused.trouble.code, refused.trouble.message, refused.trouble.field) == ("CONFLICT_ERROR", "no", "name")


@KINDS
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors":[]}', b'{"errors":[{"code":7}]}', b"\xff"])
async def test_a_refusal_without_an_error_body_keeps_its_status(kind: TransportKind, body: bytes) -> None:
    with serving(replying(answer(body, "502 Bad Gateway"))) as server:
        refused = await create(server.url, kind)
    assert isinstance(refused, Refused)
    assert refused.http_status == 502
    assert not refused.has_error_body


@KINDS
async def test_a_redirect_is_not_followed(kind: TransportKind) -> None:
    requests: list[bytes] = []

    def behave(connection: socket.socket) -> int:
        requests.append(read_request(connection))
        connection.sendall(answer(b"", "307 Temporary Redirect", headers="Location: /elsewhere\r\n"))
        return 1

    with serving(behave) as server:
        refused = await create(server.url, kind)
    assert isinstance(refused, Refused)
    assert refused.http_status == 307
    assert len(requests) == 1


@KINDS
async def test_the_request_head(kind: TransportKind) -> None:
    requests: list[bytes] = []

    def behave(connection: socket.socket) -> int:
        requests.append(read_request(connection))
        connection.sendall(answer(RUN))
        return 1

    with serving(behave) as server:
        await create(server.url, kind)
    head = requests[0].lower()
    assert head.startswith(b"post /runs?region=aws-us-west-2 http/1.1")
    assert b"x-api-key: k-123" in head
    assert b"content-type: application/json" in head
    assert b"x-wherobots-client: client=batchrun;ver=" in head
