"""Every reply ends: in time, in size, in depth. Over real sockets, for each transport."""

import gzip
import resource
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest
from pydantic import SecretStr

from batchrun.engine.stopping import unusable_stop
from batchrun.errors import ApiError
from batchrun.wherobots.answers import Lost, Refused, Unreadable
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import TransportKind, open_transport
from tests.wherobots.test_transport import KINDS, RUN, answer, create, read_request, replying, serving

MIB = 1 << 20


def streaming(head: bytes, piece: bytes, *, pause_s: float = 0.0) -> Callable[[socket.socket], int]:
    """Sends a head and then the same piece forever."""

    def behave(connection: socket.socket) -> int:
        read_request(connection)
        connection.sendall(head)
        with suppress(OSError):
            while True:
                connection.sendall(piece)
                time.sleep(pause_s)
        return 1

    return behave


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


CHUNKED = b"HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = chunk(b" " * MIB)


@KINDS
@pytest.mark.parametrize("head", [b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n", CHUNKED % b"201 Created"])
async def test_a_body_that_trickles_ends_with_the_timeout(kind: TransportKind, head: bytes) -> None:
    piece = chunk(b" ") if b"chunked" in head else b" "
    with serving(streaming(head, piece, pause_s=0.1)) as server, anyio.fail_after(5):
        outcome = await create(server.url, kind, timeout_s=0.5)
    assert isinstance(outcome, Unreadable)  # it was created, and is looked for
    assert outcome.reason == "no complete response within 0.5 s (--timeout)"


@KINDS
async def test_a_list_that_does_not_end_in_time_is_not_taken_for_a_login_page(kind: TransportKind) -> None:
    with serving(streaming(CHUNKED % b"200 OK", chunk(b" "), pause_s=0.1)) as server, anyio.fail_after(5):
        async with reader(server.url, kind, timeout_s=0.5) as client:
            with pytest.raises(ApiError) as caught:
                await client.list_page()
    stop = unusable_stop(caught.value, server.url, has_responded=True)
    assert stop is not None
    late = "no complete response within 0.5 s (--timeout); check the network, or allow more time with --timeout"
    assert stop.problem.text() == f"{server.url}: {late}"


@KINDS
async def test_a_head_that_trickles_ends_with_the_timeout(kind: TransportKind) -> None:
    with serving(streaming(b"HTTP/1.1 201 Created\r\n", b"X-A: 1\r\n", pause_s=0.1)) as server, anyio.fail_after(5):
        outcome = await create(server.url, kind, timeout_s=0.5)
    assert isinstance(outcome, Lost)
    assert outcome.sent
    assert outcome.reason == "no complete response within 0.5 s (--timeout)"


@KINDS
async def test_a_head_without_end_is_bounded(kind: TransportKind) -> None:
    with serving(streaming(b"HTTP/1.1 201 Created\r\n", b"X-A: 1\r\n" * 10_000)) as server, anyio.fail_after(10):
        outcome = await create(server.url, kind, timeout_s=5)
    assert isinstance(outcome, Lost)
    assert outcome.sent


@KINDS
@pytest.mark.parametrize("status", [b"201 Created", b"500 Oops", b"401 No", b"307 There"])
async def test_a_body_without_end_is_bounded(kind: TransportKind, status: bytes) -> None:
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(streaming(CHUNKED % status, ENDLESS)) as server, anyio.fail_after(10):
        outcome = await create(server.url, kind, timeout_s=8)
    assert isinstance(outcome, Unreadable if status.startswith(b"2") else Refused)
    if isinstance(outcome, Unreadable):
        assert "longer than 1 MiB" in outcome.reason
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 64_000


@KINDS
@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
async def test_a_list_without_end_is_an_error(kind: TransportKind, status: str) -> None:
    with serving(streaming(CHUNKED % status.encode(), ENDLESS)) as server, anyio.fail_after(20):
        async with reader(server.url, kind, timeout_s=15) as client:
            with pytest.raises(ApiError) as caught:
                await client.list_page()
    assert ("longer than 64 MiB" if status == "200 OK" else "HTTP 404") in str(caught.value)


@KINDS
async def test_a_compressed_reply_that_nobody_asked_for_is_not_unpacked(kind: TransportKind) -> None:
    bomb = gzip.compress(b" " * (64 * MIB))
    asked: list[bytes] = []

    def behave(connection: socket.socket) -> int:
        asked.append(read_request(connection))
        connection.sendall(answer(bomb, headers="Content-Encoding: gzip\r\n"))
        return 1

    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(behave) as server:
        outcome = await create(server.url, kind, timeout_s=5)
    assert isinstance(outcome, Unreadable)
    assert "encoded as 'gzip', which was not requested" in outcome.reason
    assert b"accept-encoding: identity" in asked[0].lower()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 32_000


NESTED = b'{"id":"r1","payload":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001


@KINDS
@pytest.mark.parametrize("body", [NESTED, b"[" * 500_000, b'{"errors":' + b"[" * 100_000, b'{"id":' + b"[" * 100_000])
@pytest.mark.parametrize("status", ["201 Created", "409 Conflict", "200 OK"])
async def test_deeply_nested_json_has_a_clear_outcome(kind: TransportKind, body: bytes, status: str) -> None:
    with serving(replying(answer(body, status))) as server:
        outcome = await create(server.url, kind)
        assert isinstance(outcome, Refused if status.startswith("4") else Unreadable)
        async with reader(server.url, kind) as client:
            for call in (client.list_page, lambda: client.get("r1"), lambda: client.logs("r1"), client.organization_id):
                with pytest.raises(ApiError):
                    await call()


@KINDS
async def test_long_words_are_clipped_before_they_are_kept(kind: TransportKind) -> None:
    long = "x" * 500_000
    error = f'{{"errors":[{{"code":"{long[:2000]}","message":"{long}","field":"{long[:9000]}","suggestion":"{long[:9000]}"}}]}}'
    with serving(replying(answer(error.encode(), "422 No"))) as server:
        refused = await create(server.url, kind)
    assert isinstance(refused, Refused)
    trouble = refused.trouble
    assert trouble.message is not None
    assert trouble.message.endswith("x... (500,000 characters)")
    assert sum(len(text or "") for text in (trouble.code, trouble.message, trouble.field, trouble.suggestion)) < 4_000


@KINDS
async def test_a_listed_run_with_long_words_is_clipped(kind: TransportKind) -> None:
    body = b'{"items":[{"id":"r1","name":"n","status":"%s"}],"total":%s}' % (b"S" * 100_000, b"9" * 400)
    with serving(replying(answer(body, "200 OK"))) as server:
        async with reader(server.url, kind) as client:
            page = await client.list_page()
    assert len(page.items[0].status or "") < 200
    assert page.total is None


@KINDS
async def test_an_endless_cursor_is_an_error(kind: TransportKind) -> None:
    body = b'{"items":[],"next_page":"%s"}' % (b"c" * 100_000)
    with serving(replying(answer(body, "200 OK"))) as server:
        async with reader(server.url, kind) as client:
            with pytest.raises(ApiError, match="a page cursor of 100,000 characters"):
                await client.list_page()


@KINDS
async def test_a_list_that_repeats_its_cursor_is_an_error(kind: TransportKind) -> None:
    body = b'{"items":[{"id":"r1","name":"n"}],"next_page":"1"}'

    def behave(connection: socket.socket) -> int:
        while read_request(connection):
            connection.sendall(answer(body, "200 OK"))
        return 1

    with serving(behave) as server, anyio.fail_after(10):
        async with reader(server.url, kind) as client:
            with pytest.raises(ApiError, match="the list repeats its page '1' and never ends"):
                async for _ in client.list_runs():
                    pass


@KINDS
async def test_a_redirect_names_its_target(kind: TransportKind) -> None:
    with serving(replying(answer(b"", "307 There", headers="Location: https://api.elsewhere.test/v2\r\n"))) as server:
        refused = await create(server.url, kind)
    assert isinstance(refused, Refused)
    assert refused.trouble.describe() == "HTTP 307: it redirects to https://api.elsewhere.test/v2"


@pytest.mark.parametrize(
    ("target", "fix"),
    [
        (
            "https://api.elsewhere.test/v2/runs?size=1",
            "set the base URL that it redirects to; redirects are not followed",
        ),
        ("/v2/runs/gt1/logs", "set the base URL that it redirects to; redirects are not followed"),
        ("https://login.example.org/sso", "check the base URL; a proxy or login page answers"),
        ("https://login.example.org/?next=/v2/runs", "check the base URL; a proxy or login page answers"),
    ],
)
async def test_only_a_redirect_to_the_same_call_is_a_base_url_that_moved(target: str, fix: str) -> None:
    reply = answer(b"", "307 There", headers=f"Location: {target}\r\n")
    with serving(replying(reply)) as server:
        refused = await create(server.url, TransportKind.AIOHTTP)
    assert isinstance(refused, Refused)
    assert refused.trouble.suggestion == fix


@pytest.mark.parametrize(
    "body", [b'{"message": "pay"}', b'{"detail": "pay"}', b'{"errors": [], "message": "pay", "detail": 1}']
)
async def test_what_a_gateway_says_is_kept(body: bytes) -> None:
    with serving(replying(answer(body, "402 Payment Required"))) as server:
        refused = await create(server.url, TransportKind.AIOHTTP)
    assert isinstance(refused, Refused)
    assert refused.trouble.describe() == "HTTP 402: pay"
    assert not refused.has_error_body


@KINDS
@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "soon", "9" * 5000])
async def test_an_absurd_date_is_not_believed(kind: TransportKind, date: str) -> None:
    with serving(replying(answer(RUN, headers=f"Date: {date}\r\n"))) as server:
        async with reader(server.url, kind) as client:
            await client.create("r", b"{}")
            assert client.clock.offset_s is None


@KINDS
async def test_no_time_of_a_ledger_is_too_large_for_a_query(kind: TransportKind) -> None:
    with serving(replying(answer(b'{"items":[]}', "200 OK"))) as server:
        for epoch_s in (1e300, -1e300, 4e11):
            async with reader(server.url, kind) as client:
                assert (await client.list_page(created_after=epoch_s)).items == []


def reader(url: str, kind: TransportKind, *, timeout_s: float = 5.0) -> RunsClient:
    settings = ApiSettings(api_key=SecretStr("k-123"), base_url=url, timeout_s=timeout_s)
    return RunsClient(settings, open_transport(settings, connections=2, kind=kind))
