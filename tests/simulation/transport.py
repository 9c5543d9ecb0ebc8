"""The seam of the network: how the simulated service answers one process, with faults drawn by chance."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import unquote_plus
from zlib import crc32

import anyio
import msgspec
from multidict import CIMultiDict

from batchrun.wherobots.transport import Reply, SendTrace
from tests.simulation.clock import CLOCK
from tests.simulation.service import HeldRun, Owner, Service
from tests.simulation.tracing import Trace

__all__ = ["TIMEOUT_S", "URL", "Faults", "PostFaults", "ReadFaults", "SimTransport"]

URL = "https://simulated.example"
TIMEOUT_S = 1.0
"""After which a client gives a request up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostFaults:
    """Shares of the ``POST`` requests of one process; at most one of them strikes."""

    unsent: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    late: float = 0.0
    """Committed after the client gave up, and visible before ``settle_after``."""
    very_late: float = 0.0
    """Visible later than ``settle_after``: no client can know."""
    cut: float = 0.0
    conflict: float = 0.0
    rate: float = 0.0
    busy: float = 0.0
    quota: float = 0.0
    rejected: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFaults:
    """Shares of the lists, and of the other reading requests, of one process."""

    list_fails: float = 0.0
    list_short: float = 0.0
    list_repeats: float = 0.0
    list_odd: float = 0.0
    """Without a total, or with items twice."""
    organization_fails: float = 0.0
    get_fails: float = 0.0


_SOUND_POSTS, _SOUND_READS = PostFaults(), ReadFaults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    posts: PostFaults = _SOUND_POSTS
    reads: ReadFaults = _SOUND_READS


class NoAnswerError(Exception):
    """The connection broke before a status arrived."""


LOST = "%.6f %s %s?%s %r -> %.6f %s"
ANSWERED = "%.6f %s %s?%s %r -> %.6f %s %08x %s"
_json = msgspec.json.Encoder().encode
_SHARES = tuple(field.name for field in fields(PostFaults))


@lru_cache(maxsize=1024)
def _http_date(epoch_s: int) -> str:
    return formatdate(epoch_s, usegmt=True)


def _parsed(query: str) -> dict[str, list[str]]:
    """As ``urllib.parse.parse_qs``, and twice as fast."""
    found: dict[str, list[str]] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(name, []).append(unquote_plus(value) if "%" in value or "+" in value else value)
    return found


@dataclass(slots=True, kw_only=True)
class SimTransport:
    """One process's connection, with the key of one organization."""

    service: Service
    organization: str
    faults: Faults
    chance: random.Random
    trace: Trace
    is_alive: Callable[[], bool]
    on_post: Callable[[bytes], Owner | None]
    """Called when a ``POST`` leaves; returns whose run it makes."""
    on_cancel: Callable[[str], None]
    """Called with the id when a run is to be cancelled."""
    route: str = ""
    under_way: dict[str, HeldRun] = field(default_factory=dict)
    """Runs whose requests have not ended, by id."""

    async def open(self, headers: Mapping[str, str]) -> None: ...

    async def close(self) -> None: ...

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace, *, most_bytes: int = 0) -> Reply:
        del most_bytes
        if not self.is_alive():
            raise NoAnswerError("killed")
        path, _, query = url.removeprefix(URL).partition("?")
        request = CLOCK.now_s, method, path, query, body or b""
        try:
            if method == "POST" and path == "/runs":
                reply = await self._create(body or b"", trace)
            else:
                reply = await self._read(path, _parsed(query))
        except NoAnswerError as error:
            self.trace((LOST, *request, CLOCK.now_s, str(error)))
            raise
        self.trace((ANSWERED, *request, CLOCK.now_s, reply.status, crc32(reply.body), reply.broken or ""))
        return reply

    def die(self) -> None:
        """The process is dead; what is under way stays under way."""
        for run in self.under_way.values():
            run.lost_s = CLOCK.now_s
        self.under_way.clear()

    async def _create(self, body: bytes, trace: SendTrace) -> Reply:
        chance = self.chance
        latency_s = chance.uniform(0.01, 0.2)
        fault = self._drawn()
        if fault == "unsent":
            await anyio.sleep(latency_s)
            raise NoAnswerError("refused to connect")
        trace.started = True
        owner = self.on_post(body)
        run = self._commit(fault, body, owner, latency_s)
        if run is not None:
            self.under_way[run.id] = run
        try:
            if fault in {"lost_before", "lost_after", "late", "very_late"}:
                await anyio.sleep(TIMEOUT_S if "late" in fault else latency_s)
                raise NoAnswerError("reset")
            await anyio.sleep(latency_s)
        finally:
            if run is not None and self.under_way.pop(run.id, None) is not None and fault:
                self._lose(run)
        return self._answer(fault, run)

    def _drawn(self) -> str:
        """The fault that strikes, or an empty string."""
        draw = self.chance.random()
        for name in _SHARES:
            draw -= getattr(self.faults.posts, name)
            if draw < 0:
                return name
        return ""

    def _commit(self, fault: str, body: bytes, owner: Owner | None, latency_s: float) -> HeldRun | None:
        habits, chance = self.service.habits, self.chance
        match fault:
            case "" | "lost_after" | "error_after" | "cut":
                after_s = latency_s / 2
            case "busy" if chance.random() < 0.5:
                after_s = latency_s / 2
            case "late":
                after_s = TIMEOUT_S + chance.uniform(0, 0.9) * max(0.0, habits.settle_after_s - habits.lag_s)
            case "very_late":
                after_s = TIMEOUT_S + habits.settle_after_s * chance.uniform(1.0, 8.0)
            case _:
                return None
        payload = msgspec.json.decode(body)
        return self.service.create(payload, organization=self.organization, owner=owner, after_s=after_s, chance=chance)

    def _lose(self, run: HeldRun) -> None:
        run.lost_s = CLOCK.now_s

    def _answer(self, fault: str, run: HeldRun | None) -> Reply:
        match fault:
            case "error_before" | "error_after":
                return self._reply(self.chance.choice([500, 502, 503, 504]), b"<html>")
            case "conflict":
                return self._error(409, "CONFLICT_ERROR")
            case "rejected":
                return self._error(422, "VALIDATION_ERROR")
            case "rate":
                return self._error(429, "RATE_LIMIT_ERROR", waits=True)
            case "quota":
                return self._error(402, "INSUFFICIENT_QUOTA_ERROR")
            case "busy":
                return self._error(503, "SERVICE_UNAVAILABLE", waits=True)
            case "cut":
                return self._reply(201, b"", broken="cut off")
        assert run is not None
        return self._reply(201, _json(run.view(self.service.habits.lasts_s)))

    async def _read(self, path: str, query: Mapping[str, list[str]]) -> Reply:
        chance, faults = self.chance, self.faults.reads
        await anyio.sleep(chance.uniform(0.01, 0.1))
        if path == "/organization":
            if self.service.habits.hides_organization:
                return self._error(403, "FORBIDDEN")
            if chance.random() < faults.organization_fails:
                return self._error(500, "INTERNAL")
            return self._reply(200, _json({"id": self.organization}))
        if path.endswith("/cancel"):
            return self._cancel(path.removeprefix("/runs/").removesuffix("/cancel"))
        if path.startswith("/runs/"):
            return self._one(path.removeprefix("/runs/"))
        if chance.random() < faults.list_fails:
            if chance.random() < 0.3:
                raise NoAnswerError("reset")
            return self._error(chance.choice([429, 500, 503]), "INTERNAL", waits=chance.random() < 0.5)
        return self._reply(200, _json(self._page(query)))

    def _page(self, query: Mapping[str, list[str]]) -> dict[str, object]:
        faults, draw = self.faults.reads, self.chance.random()
        page = self.service.page(self.organization, query)
        if draw < faults.list_short:
            page |= {"items": page["items"][: len(page["items"]) // 2], "next_page": None}
        elif draw < faults.list_short + faults.list_repeats:
            page["next_page"] = query.get("cursor", ["0"])[0] if page["next_page"] is not None else None
        elif draw < faults.list_short + faults.list_repeats + faults.list_odd:
            page |= {"total": None} if self.chance.random() < 0.5 else {"items": page["items"] + page["items"][:1]}
        return page

    def _one(self, run_id: str) -> Reply:
        if self.chance.random() < self.faults.reads.get_fails:
            return self._error(500, "INTERNAL")
        found = self.service.get(self.organization, run_id)
        return self._reply(200, _json(found)) if found is not None else self._error(404, "NOT_FOUND")

    def _cancel(self, run_id: str) -> Reply:
        self.on_cancel(run_id)
        if self.chance.random() < self.faults.reads.get_fails:
            return self._error(500, "INTERNAL")
        status = self.service.cancel(self.organization, run_id)
        return self._reply(status, b"") if status < 400 else self._error(status, "CONFLICT_ERROR")

    def _error(self, status: int, code: str, *, waits: bool = False) -> Reply:
        headers: dict[str, str] = {}
        if waits:
            wait_s = self.chance.uniform(0, 4)
            as_date = formatdate(self._date_s() + wait_s, usegmt=True)
            headers["Retry-After"] = self.chance.choice([f"{wait_s:.1f}", str(int(wait_s)), as_date, "soon"])
        return self._reply(status, _json({"errors": [{"code": code, "message": "no"}]}), headers)

    def _reply(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, broken: str | None = None
    ) -> Reply:
        named = dict(headers or {})
        if self.service.habits.date_error_s is not None:
            named["Date"] = _http_date(int(self._date_s()))
        return Reply(status, CIMultiDict(named), body, broken)

    def _date_s(self) -> float:
        return CLOCK.epoch_s + (self.service.habits.date_error_s or 0.0)
