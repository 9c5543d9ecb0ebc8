"""Certificates, proxies, and the choice of a transport."""

import socket
import ssl
import threading
from pathlib import Path

import anyio
import pytest
import trustme
from pydantic import SecretStr

from batchrun.emulator.http.server import EmulatorServer
from batchrun.errors import SettingsError
from batchrun.wherobots.answers import Answer, Created, Lost
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.proxy import NO_PROXY, proxy_for
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import TransportKind, chosen_kind, open_transport
from tests.wherobots.test_transport import KINDS, RUN, answer, read_request

PAYLOAD = b'{"name":"over-tls","runtime":"tiny","runPython":{"uri":"s3://a/b.py"},"timeoutSeconds":3600}'
FAR = "https://api.far.test"


async def create(base_url: str, kind: TransportKind, *, timeout_s: float = 5.0) -> Answer:
    settings = ApiSettings(api_key=SecretStr("k-123"), base_url=base_url, timeout_s=timeout_s)
    async with RunsClient(settings, open_transport(settings, connections=2, kind=kind)) as client:
        return await client.create("aws-us-west-2", PAYLOAD)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


class Proxy:
    """Accepts ``CONNECT`` and plays the service behind it, or refuses; ``heads`` records the requests."""

    def __init__(self, authority: trustme.CA, *, refusal: bytes = b"", dies: bool = False) -> None:
        self.heads: list[bytes] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("api.far.test").configure_cert(self._tls)
        self._refusal = refusal
        self._dies = dies
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:word@127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            self.heads.append(read_request(connection))
            if self._refusal:
                connection.sendall(self._refusal)
                return
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._tls.wrap_socket(connection, server_side=True) as inside:
                self.heads.append(read_request(inside))
                if not self._dies:
                    inside.sendall(answer(RUN))

    def close(self) -> None:
        self._listener.close()
        self._thread.join(5)


@KINDS
async def test_a_private_certificate_is_trusted_when_configured(
    kind: TransportKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmulatorServer(tls=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
        assert isinstance(await create(server.url, kind), Created)


@KINDS
async def test_an_untrusted_certificate_prevents_the_request(kind: TransportKind) -> None:
    with EmulatorServer(tls=True) as server:
        lost = await create(server.url, kind)
    assert isinstance(lost, Lost)
    assert not lost.sent
    assert "certificate" in lost.reason.lower()


@KINDS
def test_missing_certificates_are_reported(kind: TransportKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    settings = ApiSettings(api_key=SecretStr("k-123"), base_url=FAR)
    with pytest.raises(SettingsError, match=r"SSL_CERT_FILE: /nowhere/ca\.pem cannot be read"):
        open_transport(settings, connections=1, kind=kind)


@KINDS
@pytest.mark.usefixtures("trusted")
async def test_requests_go_through_the_proxy_without_showing_it_the_key(
    kind: TransportKind, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(authority)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    try:
        assert isinstance(await create(FAR, kind), Created)
    finally:
        proxy.close()
    asked, inside = (head.lower() for head in proxy.heads)
    assert asked.startswith(b"connect api.far.test:443")
    assert b"proxy-authorization: basic dxnlcjp3b3jk" in asked
    assert b"k-123" not in asked
    assert b"x-api-key: k-123" in inside
    assert b"proxy-authorization" not in inside


@KINDS
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "refusal", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"HTTP/1.1 502 Bad\r\n\r\n"]
)
async def test_a_refusing_proxy_proves_that_nothing_was_sent(
    kind: TransportKind, refusal: bytes, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(authority, refusal=refusal)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    try:
        lost = await create(FAR, kind)
    finally:
        proxy.close()
    assert isinstance(lost, Lost)
    assert not lost.sent


@KINDS
async def test_a_silent_proxy_is_bounded_by_the_connect_timeout(
    kind: TransportKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts the connection; nothing ever replies
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with anyio.fail_after(4.0):
            lost = await create(FAR, kind, timeout_s=0.5)
    assert isinstance(lost, Lost)


@KINDS
@pytest.mark.usefixtures("trusted")
async def test_a_tunnel_that_breaks_after_the_request_proves_nothing(
    kind: TransportKind, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(authority, dies=True)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    try:
        lost = await create(FAR, kind)
    finally:
        proxy.close()
    assert isinstance(lost, Lost)
    assert lost.sent


@KINDS
async def test_loopback_bypasses_the_proxy(kind: TransportKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with EmulatorServer() as server:
        assert isinstance(await create(server.url, kind), Created)


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert proxy_for(FAR).url == "http://127.0.0.1:1"
    monkeypatch.setenv("NO_PROXY", "far.test")
    assert proxy_for(FAR) == NO_PROXY


def test_the_transport_is_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATCHRUN_TRANSPORT", raising=False)
    assert chosen_kind() is TransportKind.AIOHTTP
    monkeypatch.setenv("BATCHRUN_TRANSPORT", "httpx")
    assert chosen_kind() is TransportKind.HTTPX
    monkeypatch.setenv("BATCHRUN_TRANSPORT", "pigeon")
    with pytest.raises(SettingsError, match="unknown transport 'pigeon'; use aiohttp or httpx"):
        chosen_kind()
