"""A simulated Wherobots Cloud behind the transport: several organisations, and faults drawn by chance.

What a request will have created is decided when it is sent, with the time of the commit. So nothing has to happen at the
service by itself, and a client that is killed leaves its requests on the way.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx

from batchrun.ledger.events import epoch_seconds
from batchrun.wherobots.transport import Reply, SendTrace
from tests.simulation.clock import EPOCH_S, Clock

__all__ = ["Faults", "Habits", "HeldRun", "Identity", "Service", "SimTransport"]

Identity = tuple[str, int]
"""What a planned run is recognised by: its name and its timeout; nothing else of a simulated payload is in a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Shares of the requests of one session."""

    unsent: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    late: float = 0.0
    """Committed after the answer was lost, and before ``settle_after``."""
    very_late: float = 0.0
    """Committed later than ``settle_after``: no client can know."""
    cut: float = 0.0
    conflict: float = 0.0
    rate: float = 0.0
    busy: float = 0.0
    rejected: float = 0.0
    list_fails: float = 0.0
    list_short: float = 0.0
    list_repeats: float = 0.0
    organization_fails: float = 0.0
    get_fails: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What stays the same about a service, in one history."""

    settle_after_s: float = 3.0
    lag_s: float = 0.0
    """How far lists are behind."""
    date_error_s: float | None = 0.0
    """How far the Date header is off; None: there is none."""
    normalised: float = 0.0
    """The share of runs whose payload comes back in another shape."""
    page_size: int = 100
    substring: bool = False
    hides_organization: bool = False


@dataclass(slots=True, kw_only=True)
class HeldRun:
    """A run at the service; ``is_late``: no client could have known of it in time."""

    id: str
    organization: str
    identity: Identity
    payload: dict[str, Any]
    committed_s: float
    sent_s: float
    is_late: bool = False
    is_deleted: bool = False

    @property
    def name(self) -> str:
        return self.identity[0]

    def view(self) -> dict[str, Any]:
        moment = datetime.fromtimestamp(EPOCH_S + self.committed_s, UTC).isoformat(timespec="milliseconds")
        return {
            "id": self.id,
            "name": self.name,
            "status": "PENDING",
            "createTime": moment,
            "payload": self.payload,
        }


class NoAnswerError(Exception):
    """The connection broke before a status arrived."""


@dataclass(slots=True)
class Service:
    """Every run that was ever created, and how requests are answered."""

    clock: Clock
    habits: Habits
    faults: Faults = field(default_factory=Faults)
    chance: random.Random = field(default_factory=random.Random)
    runs: list[HeldRun] = field(default_factory=list)

    def existing(self) -> list[HeldRun]:
        """What exists now."""
        return [run for run in self.runs if run.committed_s <= self.clock.now_s and not run.is_deleted]

    def create(self, organization: str, body: bytes, *, after_s: float, is_late: bool = False) -> HeldRun:
        payload = json.loads(body)
        identity = payload["name"], payload["timeoutSeconds"]
        if self.chance.random() < self.habits.normalised:
            payload["runPython"]["args"] = [" ".join(payload["runPython"]["args"])]
        run = HeldRun(
            id=f"run-{len(self.runs):06d}",
            organization=organization,
            identity=identity,
            payload=payload,
            committed_s=self.clock.now_s + after_s,
            sent_s=self.clock.now_s,
            is_late=is_late,
        )
        self.runs.append(run)
        return run

    def listed(self, organization: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """One page, the newest runs first."""
        before_s = self.clock.now_s - self.habits.lag_s
        fits = self._by_name(query.get("name", [""])[0])
        after = epoch_seconds(query["created_after"][0]) if "created_after" in query else 0.0
        found = [
            run
            for run in reversed(self.runs)
            if run.organization == organization
            and run.committed_s <= before_s
            and not run.is_deleted
            and fits(run.name)
            and EPOCH_S + run.committed_s >= after
        ]
        found.sort(key=lambda run: run.committed_s, reverse=True)
        size = min(int(query["size"][0]), self.habits.page_size)
        begin = int(query.get("cursor", ["0"])[0])
        following: str | None = str(begin + size) if begin + size < len(found) else None
        items = found[begin : begin + size]
        draw = self.chance.random()
        if draw < self.faults.list_short:
            items, following = items[: len(items) // 2], None
        elif draw < self.faults.list_short + self.faults.list_repeats and following is not None:
            following = str(begin)
        return {"items": [run.view() for run in items], "total": len(found), "next_page": following}

    def _by_name(self, wanted: str) -> Callable[[str], bool]:
        if wanted.endswith("*"):
            return lambda name: name.startswith(wanted[:-1])
        if self.habits.substring or not wanted:
            return lambda name: wanted in name
        return lambda name: name == wanted


@dataclass(slots=True)
class SimTransport:
    """One client's connection, with its organisation's key. ``is_alive``: its process has not been killed."""

    service: Service
    organization: str
    is_alive: Callable[[], bool]
    trace: Callable[[str], None]
    on_post: Callable[[], None] = lambda: None
    timeout_s: float = 1.0

    async def open(self, headers: Mapping[str, str]) -> None: ...

    async def close(self) -> None: ...

    async def send(self, method: str, url: str, body: bytes | None, trace: SendTrace) -> Reply:
        self._check_alive()
        what = f"{method} {urlsplit(url).path} {urlsplit(url).query}"
        try:
            reply = await (self._create(body or b"", trace) if method == "POST" else self._read(url))
        except NoAnswerError as error:
            self.trace(f"{what} -> {error}")
            raise
        self._check_alive()
        self.trace(f"{what} -> {reply.status} {len(reply.body)} {reply.broken or ''}")
        return reply

    def _check_alive(self) -> None:
        if not self.is_alive():
            raise NoAnswerError("killed")

    async def _create(self, body: bytes, trace: SendTrace) -> Reply:
        service, chance, faults = self.service, self.service.chance, self.service.faults
        settle_after_s = service.habits.settle_after_s
        latency_s = chance.uniform(0.01, 0.2)
        shares = (
            "unsent lost_before lost_after error_before error_after late very_late cut conflict rate busy rejected"
        ).split()
        fault = _drawn(chance, {name: getattr(faults, name) for name in shares})
        if fault == "unsent":
            await anyio.sleep(latency_s)
            raise NoAnswerError("refused to connect")
        trace.started = True
        run = None
        if fault in {"", "lost_after", "error_after", "cut"} or (fault == "busy" and chance.random() < 0.5):
            run = service.create(self.organization, body, after_s=latency_s / 2)
        elif fault == "late":
            most_s = max(0.0, settle_after_s - service.habits.lag_s)
            service.create(self.organization, body, after_s=self.timeout_s + chance.uniform(0, 0.9 * most_s))
        elif fault == "very_late":
            after_s = self.timeout_s + settle_after_s * chance.uniform(1.0, 8.0)
            service.create(self.organization, body, after_s=after_s, is_late=True)
        self.on_post()
        if fault in {"lost_before", "lost_after", "late", "very_late"}:
            await anyio.sleep(self.timeout_s if "late" in fault else latency_s)
            raise NoAnswerError("reset")
        await anyio.sleep(latency_s)
        return self._answer(fault, run)

    def _answer(self, fault: str, run: HeldRun | None) -> Reply:
        match fault:
            case "error_before" | "error_after":
                return self._reply(self.service.chance.choice([500, 502, 503, 504]), b"<html>")
            case "conflict":
                return self._error(409, "CONFLICT_ERROR")
            case "rejected":
                return self._error(422, "VALIDATION_ERROR")
            case "rate":
                return self._error(429, "RATE_LIMIT_ERROR", waits=True)
            case "busy":
                return self._error(503, "SERVICE_UNAVAILABLE", waits=True)
            case "cut":
                return self._reply(201, b"", broken="cut off")
        assert run is not None
        return self._reply(201, json.dumps(run.view()).encode())

    async def _read(self, url: str) -> Reply:
        service, chance, faults = self.service, self.service.chance, self.service.faults
        await anyio.sleep(chance.uniform(0.01, 0.1))
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        if path == "/organization":
            if service.habits.hides_organization:
                return self._error(403, "FORBIDDEN")
            if chance.random() < faults.organization_fails:
                return self._error(500, "INTERNAL")
            return self._reply(200, json.dumps({"id": self.organization}).encode())
        if path.startswith("/runs/"):
            return self._one(path.removeprefix("/runs/"))
        if chance.random() < faults.list_fails:
            if chance.random() < 0.3:
                raise NoAnswerError("reset")
            return self._error(chance.choice([429, 500, 503]), "INTERNAL", waits=chance.random() < 0.5)
        return self._reply(200, json.dumps(service.listed(self.organization, query)).encode())

    def _one(self, run_id: str) -> Reply:
        if self.service.chance.random() < self.service.faults.get_fails:
            return self._error(500, "INTERNAL")
        for run in self.service.existing():
            if run.id == run_id and run.organization == self.organization:
                view = {**run.view(), "region": "aws-us-west-2", "updateTime": run.view()["createTime"]}
                return self._reply(200, json.dumps(view).encode())
        return self._error(404, "NOT_FOUND")

    def _error(self, status: int, code: str, *, waits: bool = False) -> Reply:
        headers: dict[str, str] = {}
        if waits:
            wait_s = self.service.chance.uniform(0, 4)
            as_date = formatdate(self._date_s(wait_s), usegmt=True)
            headers["Retry-After"] = self.service.chance.choice([f"{wait_s:.1f}", str(int(wait_s)), as_date, "soon"])
        return self._reply(status, json.dumps({"errors": [{"code": code, "message": "no"}]}).encode(), headers)

    def _reply(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, broken: str | None = None
    ) -> Reply:
        fields = dict(headers or {})
        if self.service.habits.date_error_s is not None:
            fields["Date"] = formatdate(self._date_s(), usegmt=True)
        return Reply(status, httpx.Headers(fields), body, broken)

    def _date_s(self, plus_s: float = 0.0) -> float:
        return self.service.clock.server_s + (self.service.habits.date_error_s or 0.0) + plus_s


def _drawn(chance: random.Random, shares: Mapping[str, float]) -> str:
    """The fault that strikes, or an empty string."""
    draw = chance.random()
    for name, share in shares.items():
        draw -= share
        if draw < 0:
            return name
    return ""
