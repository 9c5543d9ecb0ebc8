"""A service with four endpoints of the Runs API, which misbehaves in exactly the way that a test asks for.

It shares no code with batchrun or its emulator, so it also serves the commands of other versions.
"""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import override

__all__ = ["CREATED", "ERROR", "HELD_BACK", "LOST", "Act", "Held", "Post", "Service", "late", "refusal"]

PATIENCE_S = 20.0
POLL_S = 0.01
JSON = {"Content-Type": "application/json"}

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One ``POST /runs`` as it arrives."""

    number: int
    """1 for the first of all."""
    nth: int
    """1 for the first of its name."""
    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the service does with a POST."""

    commits: bool = True
    commits_when: Callable[[], bool] | None = None
    """Commit later, as soon as this is true."""
    status: int | None = 201
    """None: the connection is closed without a response."""
    holds: bool = False
    """Neither respond nor close the connection, until the service ends."""
    headers: dict[str, str] = field(default_factory=dict)


CREATED = Act()
LOST = Act(status=None)
"""The run is created, and the response is lost."""
HELD_BACK = Act(status=None, holds=True)
"""The run is created, and the response never comes."""
ERROR = Act(commits=False, status=500)
"""No run is created, and the response does not say so."""


def late(when: Callable[[], bool]) -> Act:
    """An error; the run is created afterwards, once ``when()`` is true."""
    return Act(commits=False, commits_when=when, status=500)


def refusal(status: int) -> Act:
    """A response that says that nothing was created."""
    return Act(commits=False, status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A run that exists."""

    number: int
    name: str
    region: str
    payload: Payload
    created_s: float
    organization: str
    key: str
    """The API key that created it."""

    @property
    def run_id(self) -> str:
        return f"run-{self.number:05d}"


class Service:
    """Listens on a port of its own while it is used as a context; the attributes are its behaviour."""

    def __init__(self) -> None:
        self.runs: list[Held] = []
        self.posts: Counter[str] = Counter()
        """Attempts that arrived, by name."""
        self.act: Callable[[Post], Act] = lambda _: CREATED
        self.shown: Callable[[Payload], Payload] = lambda payload: payload
        """The payload as lists and GET show it."""
        self.organizations: dict[str, str] = {}
        """By API key; keys that are not in here belong to ``org-1``."""
        self.reveals_organization = True
        self.lists_own_runs_only = False
        """Lists show only what the same key created."""
        self.listed_region: str | None = None
        """Lists show only the runs of this region."""
        self.rejects_keys = False
        self.lists = 0
        """Pages of lists that were asked for."""
        self.rejects_names = False
        """Lists by name are answered with 400."""
        self.list_ends_after: int | None = None
        """Every list ends after this many runs, whatever its total says."""
        self.page_size = 1_000
        """Runs of a page, at most, whatever is asked for."""
        self.page: Callable[[Payload], Payload] = lambda page: page
        """The page of a list as it is sent."""
        self.date: Callable[[float], str | None] = lambda now: formatdate(now, usegmt=True)
        """The ``Date`` header at an epoch time; None leaves it out."""
        self.clock_ahead_s = 0.0
        """The service's own clock, in ``createTime`` and in the ``Date`` header."""
        self.created_late_s = 0.0
        """How far the clock that writes ``createTime`` is behind that."""
        self.stored_name: Callable[[str], str] = lambda name: name
        """The name that a run gets, whatever was sent."""
        self._lock = threading.RLock()
        self.is_over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def names(self, organization: str | None = None) -> Counter[str]:
        """How many runs of each name exist."""
        with self._lock:
            return Counter(run.name for run in self.runs if organization in {None, run.organization})

    def wait_for(self, count: int) -> None:
        """Return when at least ``count`` runs exist."""
        wait_until(lambda: len(self.runs) >= count)

    def organization_of(self, key: str) -> str:
        return self.organizations.get(key, "org-1")

    def posted(self, region: str, payload: Payload, key: str) -> tuple[Act, Held | None]:
        """Take a POST; the run it created at once, if it did."""
        name = str(payload.get("name"))
        with self._lock:
            self.posts[name] += 1
            post = Post(number=self.posts.total(), nth=self.posts[name], name=name, key=key)
        act = self.act(post)
        if act.commits_when is not None:
            threading.Thread(target=self._commit_late, args=(act.commits_when, region, payload, key)).start()
        return act, self.commit(region, payload, key) if act.commits else None

    def commit(self, region: str, payload: Payload, key: str) -> Held:
        with self._lock:
            run = Held(
                number=len(self.runs) + 1,
                name=self.stored_name(str(payload.get("name"))),
                region=region,
                payload=payload,
                created_s=time.time() + self.clock_ahead_s - self.created_late_s,
                organization=self.organization_of(key),
                key=key,
            )
            self.runs.append(run)
            return run

    def _commit_late(self, when: Callable[[], bool], region: str, payload: Payload, key: str) -> None:
        wait_until(lambda: when() or self.is_over.is_set())
        if not self.is_over.is_set():
            self.commit(region, payload, key)

    def listed(self, query: dict[str, str], key: str) -> Payload:
        """One page of ``GET /runs``, newest first."""
        self.lists += 1
        after_s = _epoch(query["created_after"]) if "created_after" in query else 0.0
        with self._lock:
            found = [
                run
                for run in reversed(self.runs)
                if run.organization == self.organization_of(key)
                and run.created_s >= after_s
                and (run.key == key or not self.lists_own_runs_only)
                and self.listed_region in {None, run.region}
                and _is_match(run.name, query.get("name"))
            ]
        start, size = int(query.get("cursor", 0)), min(int(query.get("size", 50)), self.page_size)
        end = min(start + size, self.list_ends_after or len(found))
        page = {"items": [self.view(run) for run in found[start:end]], "total": len(found)}
        is_last = end >= min(len(found), self.list_ends_after or len(found))
        return self.page(page | {"next_page": None if is_last else str(end)})

    def found(self, run_id: str, key: str) -> Payload | None:
        with self._lock:
            mine = [run for run in self.runs if run.organization == self.organization_of(key)]
        return next((self.view(run) for run in mine if run.run_id == run_id), None)

    def view(self, run: Held) -> Payload:
        created = datetime.fromtimestamp(run.created_s, UTC).isoformat(timespec="milliseconds")
        times = {"createTime": created, "updateTime": created, "startTime": None, "completeTime": None}
        shown = self.shown(json.loads(json.dumps(run.payload)))
        return {"id": run.run_id, "name": run.name, "status": "PENDING", "region": run.region, "payload": shown} | times

    def _handler(self) -> type["_Handler"]:
        return type("_BoundHandler", (_Handler,), {"service": self})


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(POLL_S)


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _is_match(name: str, pattern: str | None) -> bool:
    return pattern is None or (fnmatchcase(name, pattern) if "*" in pattern else name == pattern)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_GET(self) -> None:
        url, key = urlsplit(self.path), self.headers.get("X-API-Key", "")
        if self.service.rejects_keys:
            self._answer(401, _error("UNAUTHORIZED_ERROR"))
            return
        match url.path.strip("/").split("/"):
            case ["runs"] if self.service.rejects_names and "name=" in url.query:
                self._answer(400, _error("INVALID_INPUT_ERROR"))
            case ["runs"]:
                self._answer(200, self.service.listed(dict(parse_qsl(url.query)), key))
            case ["runs", run_id] if (run := self.service.found(run_id, key)) is not None:
                self._answer(200, run)
            case ["organization"] if self.service.reveals_organization:
                self._answer(200, {"id": self.service.organization_of(key)})
            case ["organization"]:
                self._answer(403, _error("FORBIDDEN_ERROR"))
            case _:
                self._answer(404, _error("NOT_FOUND_ERROR"))

    def do_POST(self) -> None:
        url, key = urlsplit(self.path), self.headers.get("X-API-Key", "")
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        act, run = self.service.posted(dict(parse_qsl(url.query))["region"], payload, key)
        if act.holds:
            self.service.is_over.wait()
        if act.status is None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        elif run is not None and act.status == CREATED.status:
            self._answer(act.status, self.service.view(run), act.headers)
        else:
            self._answer(act.status, _error("SCRIPTED_ERROR"), act.headers)

    def _answer(self, status: int, body: Payload, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response_only(status)
        if (date := self.service.date(time.time() + self.service.clock_ahead_s)) is not None:
            self.send_header("Date", date)
        for name, value in {**JSON, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _error(code: str) -> Payload:
    return {"errors": [{"code": code, "message": "as the test asks"}]}
