"""A server faster than any client here: nginx with one answer but for its id, or a small one where nginx is missing."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from typing_extensions import override

ANSWER = (
    '{"id":"$request_id","createTime":"2026-11-23T00:00:00Z","updateTime":"2026-11-23T00:00:00Z",'
    '"name":"bench-us-west-2021","status":"PENDING","triggeredBy":{"id":"u","createTime":"2026-11-23T00:00:00Z",'
    '"updateTime":"2026-11-23T00:00:00Z","roles":[]},"payload":{"runtime":"tiny","name":"bench-us-west-2021"}}'
)
"""``$request_id`` is nginx's: 32 random hex digits. A client that checks its ids would stop at two equal ones."""
EMPTY_LIST = '{"items":[],"total":0,"next_page":null}'

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}{tls};
    default_type application/json;
    location = /runs {{
      if ($request_method = GET) {{ return 200 '{empty}'; }}
      return 201 '{answer}';
    }}
  }}
}}
"""


@contextmanager
def fast_server() -> Iterator[tuple[str, str]]:
    """Start it, and give its URL and what it is."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, _serving(Path(name), None) as (port, kind):
        yield f"http://127.0.0.1:{port}", kind


@contextmanager
def fast_tls_server() -> Iterator[tuple[str, Path]]:
    """The same with TLS: its URL, and the certificate to trust."""
    import trustme  # noqa: PLC0415 - memory of this process counts in the peaks of those that it measures

    authority = trustme.CA()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        with _serving(folder, folder / "server.pem") as (port, _):
            yield f"https://127.0.0.1:{port}", folder / "ca.pem"


@contextmanager
def _serving(folder: Path, certificate: Path | None) -> Iterator[tuple[int, str]]:
    port = _free_port()
    command, kind = _command(folder, port, certificate)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield port, kind
    finally:
        process.terminate()
        process.wait()


def _command(folder: Path, port: int, certificate: Path | None) -> tuple[list[str], str]:
    if (nginx := shutil.which("nginx") or shutil.which("/usr/sbin/nginx")) is None:
        return [sys.executable, __file__, str(port), *([str(certificate)] if certificate else [])], "built-in server"
    config = folder / "nginx.conf"
    tls = f" ssl; ssl_certificate {certificate}; ssl_certificate_key {certificate}" if certificate else ""
    config.write_text(NGINX.format(folder=folder, port=port, tls=tls, answer=ANSWER, empty=EMPTY_LIST))
    return [nginx, "-c", str(config)], "nginx"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"{process.args!r} did not start; run it by hand to see why")


class _Constant(asyncio.Protocol):
    """Answers every request that it can see the end of; enough HTTP for a benchmark, and no more."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._data = b""

    @override
    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            at = head.find(b"content-length:")
            whole = end + 4 + (int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
            if len(self._data) < whole:
                return
            self._data = self._data[whole:]
            if head.startswith(b"get"):
                self._transport.write(_EMPTY)
            else:
                self._transport.write(_CREATED.replace(_ID, b"%032x" % next(_ids)))


def _http(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


_ID = b"0" * 32
_CREATED = _http("201 Created", ANSWER.replace("$request_id", _ID.decode()))
_EMPTY = _http("200 OK", EMPTY_LIST)
_ids = count(1)


async def _serve(port: int, certificate: str | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(_Constant, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
