"""The proxy of the environment: errors name the variable, and never show the password."""

import socket
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from batchrun.errors import SettingsError
from batchrun.wherobots.answers import Lost
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.proxy import NO_PROXY, Proxy, proxy_for
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import TransportKind, open_transport
from tests.wherobots.test_transport import KINDS, read_request, serving

FAR = "https://api.far.test"
PASSWORD = "geheim%2F0815"
FORMS = ("geheim", "0815", "bWU6Z2VoZWlt")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("garbage::::", "HTTPS_PROXY: 'garbage::::' is not the URL of a proxy"),
        ("http://", "is not the URL of a proxy"),
        ("http://proxy:99999", "is not the URL of a proxy"),
        ("http://pro xy:1", "is not the URL of a proxy"),
        ("http://[::1", "is not the URL of a proxy"),
        ("socks5://127.0.0.1:1080", "HTTPS_PROXY: a proxy of type socks5 is not supported; use http://HOST:PORT"),
        ("ftp://127.0.0.1", "a proxy of type ftp is not supported"),
    ],
)
@pytest.mark.parametrize("user", ["", f"me:{PASSWORD}@"])
def test_a_proxy_that_cannot_be_used_is_named(
    value: str, words: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme, separator, rest = value.rpartition("://")
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}{separator}{user}{rest}")
    with pytest.raises(SettingsError) as caught:
        proxy_for(FAR)
    assert words in str(caught.value)
    assert not any(form in str(caught.value) for form in FORMS)


def test_lower_case_and_all_proxy_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"^ALL_PROXY: "):
        proxy_for(FAR)
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"^https_proxy: "):
        proxy_for(FAR)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ("proxy.corp:3128", "http://proxy.corp:3128"),
        ("https://proxy/", "https://proxy"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("http://pro_xy:1", "http://pro_xy:1"),
    ],
)
def test_a_proxy_that_can_be_used(value: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert proxy_for(FAR) == Proxy(url=url, source="HTTPS_PROXY")


def test_the_password_is_apart_from_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}@proxy:3128")
    proxy = proxy_for(FAR)
    assert (proxy.url, proxy.user, proxy.password) == ("http://proxy:3128", "me", "geheim/0815")
    assert "geheim" not in repr(proxy) + proxy.describe()


def test_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for(FAR) == NO_PROXY
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "far.test")
    assert proxy_for(FAR) == NO_PROXY


def echoing(status: bytes) -> bytes:
    """What a careless proxy answers: everything that it was sent."""
    return b"HTTP/1.1 " + status + b" me:geheim%2F0815 geheim/0815 bWU6Z2VoZWltLzA4MTU=\r\nX-Was: geheim/0815\r\n\r\n"


@KINDS
@pytest.mark.parametrize("reply", [echoing(b"407"), echoing(b"502"), b"geheim/0815 geheim%2F0815\r\n\r\n", b""])
async def test_a_proxy_that_refuses_is_named_without_its_password(
    kind: TransportKind, reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def behave(connection: socket.socket) -> int:
        assert b"CONNECT api.far.test:443" in read_request(connection)
        connection.sendall(reply)
        return 1

    with serving(behave) as server:
        address = server.url.removeprefix("http://")
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}@{address}")
        settings = ApiSettings(api_key=SecretStr("wbk-0123456789"), base_url=FAR, timeout_s=2)
        async with RunsClient(settings, open_transport(settings, connections=1, kind=kind)) as client:
            lost = await client.create("r", b"{}")
    assert isinstance(lost, Lost)
    # httpx reports a garbled answer to CONNECT like one to the request: then the outcome is unknown.
    assert not lost.sent or (kind is TransportKind.HTTPX and not reply.startswith(b"HTTP"))
    assert f"through the proxy http://{address} (HTTPS_PROXY)" in lost.reason
    assert not any(form in lost.reason for form in FORMS)


@KINDS
async def test_a_proxy_that_is_not_there_is_named(kind: TransportKind, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("ALL_PROXY", f"http://me:{PASSWORD}@127.0.0.1:{port}")
    settings = ApiSettings(api_key=SecretStr("wbk-0123456789"), base_url=FAR, timeout_s=2)
    async with RunsClient(settings, open_transport(settings, connections=1, kind=kind)) as client:
        lost = await client.create("r", b"{}")
    assert isinstance(lost, Lost)
    assert f"through the proxy http://127.0.0.1:{port} (ALL_PROXY)" in lost.reason
    assert "geheim" not in lost.reason


@KINDS
async def test_no_secrets_of_connections_are_written_to_a_file(
    kind: TransportKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    settings = ApiSettings(api_key=SecretStr("wbk-0123456789"), base_url=FAR, timeout_s=2)
    for file in ("", str(tmp_path / "ca.pem")):
        monkeypatch.setenv("SSL_CERT_FILE", file)
        open_transport(settings, connections=1, kind=kind)
    assert not (tmp_path / "keys.log").exists()
