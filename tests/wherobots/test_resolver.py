"""Host names are looked up in threads that nobody waits for."""

import socket
import threading
import time
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from batchrun.wherobots.answers import Created, Lost
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.resolver import DaemonResolver
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import TransportKind, open_transport
from tests.wherobots.test_transport import RUN, answer, create, replying, serving


async def test_a_name_is_looked_up() -> None:
    with serving(replying(answer(RUN))) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        assert isinstance(await create(url, TransportKind.AIOHTTP, timeout_s=5), Created)


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 300 + ".invalid"])
async def test_a_name_that_does_not_exist_proves_that_nothing_was_sent(host: str) -> None:
    lost = await create(f"https://{host}", TransportKind.AIOHTTP, timeout_s=5)
    assert isinstance(lost, Lost)
    assert not lost.sent


async def test_the_zone_of_a_link_local_address_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    info = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 80, 0, 3))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [info])
    (found,) = await DaemonResolver().resolve("router", 80)
    assert (found["host"], found["family"]) == ("fe80::1%3", socket.AF_INET6)


@pytest.mark.parametrize("use_uvloop", [False, True])
def test_a_name_server_that_does_not_answer_holds_nobody_up(use_uvloop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        release.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    settings = ApiSettings(api_key=SecretStr("k-123"), base_url="https://api.slow.test", timeout_s=30)

    async def ask() -> None:
        async with RunsClient(settings, open_transport(settings, connections=1)) as client:
            with anyio.move_on_after(0.1):
                await client.create("r", b"{}")

    began_s = time.monotonic()
    try:
        anyio.run(ask, backend_options={"use_uvloop": use_uvloop})
        assert time.monotonic() - began_s < 5
    finally:
        release.set()
