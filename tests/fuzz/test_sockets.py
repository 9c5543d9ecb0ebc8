"""Whatever bytes come back over a connection, a call ends in a value or an ApiError, on both transports."""

import json
from collections.abc import Iterator

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import strategies as st
from pydantic import SecretStr

from batchrun.errors import ApiError
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import TransportKind, open_transport
from tests.fuzz.inputs import KEY, fuzzed, mangled
from tests.fuzz.test_replies import ERROR, PAGE, RUN
from tests.security.hostile import Request, Service, error, response, service

RUN_TEXT = json.dumps(RUN).encode()
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(RUN_TEXT), RUN_TEXT)
REPLIES = (
    response(RUN, "201 Created", "Date: Wed, 25 Nov 2026 18:46:09 GMT\r\nX-Request-Id: a\r\n"),
    CHUNKED,
    response(PAGE),
    error("429 Too Many Requests", "RATE_LIMIT_ERROR"),
    response(ERROR, "409 Conflict", "Retry-After: 5.2\r\n"),
    response(b"\x1f\x8b\x08\x00" + bytes(40), "200 OK", "Content-Encoding: gzip\r\n"),
    response(RUN, "307 Temporary Redirect", f"Location: https://example.com/{KEY}\r\n"),
    b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + response(RUN, "201 Created"),
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 201 Created\r\nContent-Length: 99999\r\n\r\n" + RUN_TEXT,
    b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"HTTP/1.0 200 OK\r\n\r\n" + RUN_TEXT,
    b"HTTP/1.1 201 Created\r\nX: " + b"a" * 20_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
)


class Script:
    """What the service says next."""

    def __init__(self) -> None:
        self.reply = b""

    def say(self, _: Request) -> bytes:
        return self.reply


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def hostile(script: Script) -> Iterator[Service]:
    with service(script.say, script.say) as running:
        yield running


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as running:
        yield running


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@fuzzed(st.one_of(mangled(*REPLIES), st.sampled_from(REPLIES)), share=0.5)
def test_any_bytes_end_in_a_value_or_an_api_error(
    transport: str, script: Script, hostile: Service, portal: BlockingPortal, reply: bytes
) -> None:
    script.reply = reply
    answer, text = portal.call(calls, transport, hostile.url)
    assert isinstance(answer, Created | Unreadable | Refused | Lost)
    assert KEY not in repr(answer) + text
    assert len(repr(answer)) < 12_000
    assert len(text) < 6_000


async def calls(transport: str, url: str) -> tuple[Answer, str]:
    """The answer to a creation, and why a list could not be read."""
    settings = ApiSettings(api_key=SecretStr(KEY), base_url=url, timeout_s=5)
    with anyio.fail_after(20):
        async with RunsClient(
            settings, open_transport(settings, connections=2, kind=TransportKind(transport))
        ) as client:
            answer = await client.create("r", b"{}")
            try:
                await client.list_page()
            except ApiError as refused:
                return answer, str(refused)
    return answer, ""
