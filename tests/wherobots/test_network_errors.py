import errno
import socket

import aiohttp
import anyio
import anyio.abc
import httpx
import pytest

from batchrun.wherobots.network_errors import plain_words
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transport import SendTrace
from batchrun.wherobots.transports import open_transport


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("name", ["aiohttp", "httpx"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_refused_connection_is_called_that_by_every_transport(
    name: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHRUN_TRANSPORT", name)
    settings = ApiSettings(api_key="k-network", base_url=f"http://{host}:{closed_port()}")
    transport = open_transport(settings, connections=1)
    await transport.open({})
    try:
        with pytest.raises((aiohttp.ClientError, httpx.HTTPError)) as raised:
            await transport.send("GET", settings.base_url + "/runs", None, SendTrace())
    finally:
        await transport.close()
    assert plain_words(raised.value) == "connection refused"


def test_several_addresses_that_all_refuse() -> None:
    text = "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed"
    assert plain_words(OSError(text)) == "connection refused"


def test_a_cause_is_found_in_a_group_and_behind_other_errors() -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = BaseExceptionGroup("all failed", [ConnectionResetError(errno.ECONNRESET, "reset")])
    assert plain_words(outer) == "connection reset by peer"


def test_a_name_that_cannot_be_resolved() -> None:
    assert plain_words(socket.gaierror(-2, "Name or service not known")) == "the host name cannot be resolved"


@pytest.mark.parametrize("error", [ValueError("no"), OSError(errno.ENOSPC, "disk full"), TimeoutError()])
def test_other_errors_have_no_such_words(error: Exception) -> None:
    assert plain_words(error) is None


def test_an_error_that_is_its_own_context_is_walked_once() -> None:
    error = ValueError("loop")
    error.__context__ = error
    assert plain_words(error) is None


async def test_what_is_not_http_is_called_that_without_a_status_that_nobody_sent() -> None:
    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 201 Created\r\nX: " + b"a" * 9000 + b"\r\n\r\n{}")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
    url = f"http://127.0.0.1:{port}"
    transport = open_transport(ApiSettings(api_key="k-network", base_url=url), connections=1)
    await transport.open({})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        with pytest.raises(aiohttp.ClientPayloadError, match=r"^the response is not valid HTTP: Got more than"):
            await transport.send("POST", f"{url}/runs", b"{}", SendTrace())
        tasks.cancel_scope.cancel()
    await transport.close()
    await listener.aclose()
