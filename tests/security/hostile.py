"""A service that says whatever a test wants, over a real socket, and the command that talks to it."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEY = "wbk-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    head: str
    body: bytes


Behaviour = Callable[[Request], bytes]


def response(value: Any, status: str = "200 OK", headers: str = "") -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def error(status: str, code: str = "BAD", message: str = "no", **more: Any) -> bytes:
    return response({"errors": [{"code": code, "message": message, **more}]}, status)


EMPTY_LIST = response({"items": [], "total": 0, "next_page": None})


class Service:
    """Answers POSTs as told; lists nothing unless told otherwise. Each connection serves one request."""

    def __init__(self, post: Behaviour, get: Behaviour | None = None) -> None:
        self.posts: list[Request] = []
        self.gets: list[Request] = []
        self._post, self._get = post, get or (lambda _: EMPTY_LIST)
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
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = _read(connection)
            if request.method == "POST":
                self.posts.append(request)
                connection.sendall(self._post(request))
            elif request.method:
                self.gets.append(request)
                connection.sendall(self._get(request))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@contextmanager
def service(post: Behaviour, get: Behaviour | None = None) -> Iterator[Service]:
    running = Service(post, get)
    try:
        yield running
    finally:
        running.close()


def _read(connection: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return Request("", "", "", b"")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    fields = head.decode("latin-1").split("\r\n")
    length = next((int(one[15:]) for one in fields if one.lower().startswith("content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    method, path, _ = fields[0].split(" ", 2)
    return Request(method, path, head.decode("latin-1"), body)


def batchrun(
    folder: Path, *args: str, timeout: float = 60, isolated: bool = False, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, as a user without a terminal; ``isolated`` as an installed script is: not from there."""
    return subprocess.run(
        [sys.executable, *(["-P"] if isolated else []), "-m", "batchrun", *args],
        cwd=folder,
        env={**os.environ, "WHEROBOTS_API_KEY": KEY, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


SWEEP = """\
version = 1

[run]
name    = "hostile-{{n}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/job.py"
args    = ["--n", "{{n}}"%s]

[axes]
n = { from = 1, to = %d }

[submit]
settle_after = "0.2s"
max_attempts = 2
"""


def sweep(folder: Path, runs: int, *args: str) -> str:
    """Write a sweep of this many runs, with further arguments; returns its file's name."""
    more = "".join(f', "{argument}"' for argument in args)
    (folder / "sweep.toml").write_text(SWEEP % (more, runs))
    return "sweep.toml"
