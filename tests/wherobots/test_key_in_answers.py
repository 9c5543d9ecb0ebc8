"""Whatever a service quotes of the API key, and wherever: it is masked before anything else sees it."""

import json
import socket
from collections.abc import Callable
from itertools import pairwise

import httpx
import pytest
from pydantic import SecretStr

from batchrun.errors import ApiError
from batchrun.wherobots.answers import Answer, Lost, Refused, Unreadable
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import TransportKind, open_transport
from tests.wherobots.test_transport import KINDS, answer, read_request, serving

KEY = "wbk-0123/456+789"
ESCAPED = "".join(f"\\u{ord(one):04x}" for one in KEY)
DATABASE = "postgres://u:pw@db/prod"


def quoting(reply: bytes) -> Callable[[socket.socket], int]:
    def behave(connection: socket.socket) -> int:
        assert KEY.encode() in read_request(connection)
        connection.sendall(reply)
        return 1

    return behave


def settings_for(url: str) -> ApiSettings:
    return ApiSettings(api_key=SecretStr(KEY), base_url=url, timeout_s=2)


async def create(url: str, kind: TransportKind) -> Answer:
    settings = settings_for(url)
    async with RunsClient(settings, open_transport(settings, connections=1, kind=kind)) as client:
        return await client.create("r", b"{}")


ERROR = '{"errors":[{"code":"%s","message":"no %s","field":"%s","suggestion":"not %s"}]}'


@KINDS
@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 2o1 " + KEY.encode() + b"\r\n\r\n",
        KEY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 201 Created\r\n" + KEY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nX-A\x00: " + KEY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: " + KEY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + KEY.encode() + b"\r\n",
        answer(b"{}", headers=f"Content-Encoding: {KEY}\r\n"),
        answer(b"", "302 Found", headers=f"Location: https://x.test/?key={KEY}&%77bk-0123%2F456%2B789\r\n"),
        answer(json.dumps({"id": KEY}).encode()),
        answer(json.dumps({"id": "r1", "status": KEY}).encode()),
        answer(b'{"id":"' + ESCAPED.encode() + b'"}'),
        answer(b'{"id":"r1","status":"' + ESCAPED.encode() + b'"}'),
        answer(KEY.encode()),
        answer((ERROR % (KEY, KEY, KEY, KEY)).encode(), "401 Unauthorized"),
        answer((ERROR % (ESCAPED, ESCAPED, ESCAPED, ESCAPED)).encode(), "422 No"),
        answer((ERROR % ((ESCAPED.replace("\\", "\\\\\\\\"),) * 4)).encode(), "422 No"),
    ],
)
async def test_a_key_that_the_service_quotes_is_masked(kind: TransportKind, reply: bytes) -> None:
    with serving(quoting(reply)) as server:
        outcome = await create(server.url, kind)
    shown = str(outcome)
    assert "wbk" not in shown
    assert "0077" not in shown
    assert "%77" not in shown


async def test_an_id_that_is_the_key_is_no_id() -> None:
    key = "wbk-0123456789"
    settings = ApiSettings(api_key=SecretStr(key), base_url="http://127.0.0.1:1")
    echo = httpx.MockTransport(lambda request: httpx.Response(201, json={"id": request.headers["X-API-Key"]}))
    async with RunsClient(settings, echo) as client:
        unreadable = await client.create("r", b"{}")
    assert unreadable == Unreadable(201, "the body has an unusable id, '********'")


async def test_values_of_a_plan_are_masked_in_what_the_service_says() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            message = f"cannot reach {DATABASE} or {json.dumps(DATABASE)}"
            return httpx.Response(422, json={"errors": [{"code": "BAD", "message": message}]})
        if request.url.path.endswith("/logs"):
            return httpx.Response(
                200,
                json={
                    "items": [{"raw": f"opening {DATABASE}", "timestamp": "t"}],
                    "current_page": "0",
                    "next_page": None,
                },
            )
        return httpx.Response(200, json={"items": [{"id": "r1", "name": DATABASE, "status": DATABASE}]})

    async with RunsClient(settings_for("http://127.0.0.1:1"), httpx.MockTransport(refuse)) as client:
        client.secrets.add_values([DATABASE, "short"])
        refused = await client.create("r", b"{}")
        page = await client.list_page()
        logs = await client.logs("r1")
    assert isinstance(refused, Refused)
    assert refused.trouble.message == 'cannot reach ******** or "********"'
    assert page.items[0].status == "********"
    assert page.items[0].name == DATABASE  # it must stay comparable
    assert "opening ********" in logs.model_dump_json()


@KINDS
async def test_an_error_of_a_reading_call_shows_no_key(kind: TransportKind) -> None:
    with serving(quoting(KEY.encode() + b"\r\n\r\n")) as server:
        settings = settings_for(server.url)
        async with RunsClient(settings, open_transport(settings, connections=1, kind=kind)) as client:
            with pytest.raises(ApiError) as caught:
                await client.list_page()
    assert "wbk" not in str(caught.value)
    assert caught.value.__suppress_context__  # the cause quotes the service


async def test_an_exception_that_quotes_the_key_is_masked() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError(f"illegal header line: {request.headers['X-API-Key']}")

    async with RunsClient(settings_for("http://127.0.0.1:1"), httpx.MockTransport(fail)) as client:
        lost = await client.create("r", b"{}")
    assert lost == Lost("RemoteProtocolError: illegal header line: ********")


@pytest.mark.parametrize("cuts", [(4,), (9, 13), (3, 8, 15)])
async def test_a_key_that_is_split_over_the_fields_of_an_error_is_masked(cuts: tuple[int, ...]) -> None:
    ends = (0, *cuts, len(KEY))
    pieces = [KEY[start:end] for start, end in pairwise(ends)]
    names = ("message", "code", "suggestion", "field")
    body = {"errors": [dict(zip(names, pieces, strict=False))]}
    with serving(quoting(answer(json.dumps(body).encode(), "422 No"))) as server:
        refused = await create(server.url, TransportKind.AIOHTTP)
    assert isinstance(refused, Refused)
    assert all(piece not in repr(refused) for piece in pieces)
