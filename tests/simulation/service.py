"""A simulated Wherobots Cloud: what it holds, and what its lists show. Several organizations; one clock.

A run is made when its request is sent, with the time at which it will have been committed. So nothing has to happen by
itself, and a client that is killed leaves its requests on the way.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from tests.simulation.clock import CLOCK, EPOCH_S

__all__ = ["Habits", "HeldRun", "Owner", "Service"]

NEVER = float("inf")
_encode = msgspec.json.Encoder().encode

CANCELLING_S = 2.0
"""Until a run that is cancelled has ended."""


class Owner(NamedTuple):
    """Whose run it is."""

    ledger: str
    key: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What stays the same about the service in one history."""

    settle_after_s: float = 3.0
    """What the client is set to, and what the service keeps: a request takes no longer, except where it is very late."""
    lag_s: float = 0.0
    """How far lists are behind."""
    date_error_s: float | None = 0.0
    """How far the ``Date`` header is off; None: there is none."""
    normalised: float = 0.0
    """The share of runs whose payload comes back in another shape."""
    page_size: int = 100
    matches_substrings: bool = False
    hides_organization: bool = False
    lasts_s: float = 20.0
    """How long a run takes."""


@dataclass(slots=True, kw_only=True)
class HeldRun:
    """A run at the service, and who sent it. Times are seconds of the simulation."""

    id: str
    organization: str
    owner: Owner | None
    """None: another client's."""
    name: str
    payload: dict[str, Any]
    sent_s: float
    committed_s: float
    visible_s: float
    """From when on lists show it."""
    lost_s: float = NEVER
    """When its client learned that there would be no readable answer, or died."""
    deleted_s: float = NEVER
    cancelled_s: float = NEVER
    is_normalised: bool = False
    is_disowned: bool = False
    """A person said that it belongs to another batch, although it does not."""
    is_forgotten: bool = False
    """The ledger that sent it was lost, or replaced by an older one."""
    is_doubted: bool = False
    """The ledger that sent it was lost, and ``recover`` said that it could not find out about this planned run."""
    excuse: str = ""
    """Why no client could have known of it in time."""

    created_at: str = ""
    _shown: dict[str, msgspec.Raw] = field(default_factory=dict)
    """What lists show of it, by status."""

    def ends_s(self, lasts_s: float) -> float:
        return min(self.committed_s + lasts_s, self.cancelled_s + CANCELLING_S)

    def status(self, lasts_s: float) -> str:
        if CLOCK.now_s < self.ends_s(lasts_s):
            return "RUNNING"
        return "COMPLETED" if self.committed_s + lasts_s <= self.cancelled_s + CANCELLING_S else "CANCELLED"

    def shown(self, lasts_s: float) -> msgspec.Raw:
        """Its view as JSON; only the status changes."""
        status = self.status(lasts_s)
        if status not in self._shown:
            self._shown[status] = msgspec.Raw(_encode(self.view(lasts_s)))
        return self._shown[status]

    def view(self, lasts_s: float) -> dict[str, Any]:
        status = self.status(lasts_s)
        is_over = status != "RUNNING"
        return {
            "id": self.id,
            "name": self.name,
            "status": status,
            "createTime": self.created_at,
            "updateTime": self.created_at,
            "completeTime": _iso(self.ends_s(lasts_s)) if is_over else None,
            "payload": self.payload,
        }


def _iso(now_s: float) -> str:
    return datetime.fromtimestamp(EPOCH_S + now_s, UTC).isoformat(timespec="milliseconds")


@dataclass(slots=True)
class Service:
    """Every run that was ever made."""

    habits: Habits
    runs: list[HeldRun] = field(default_factory=list)

    def create(
        self, payload: dict[str, Any], *, organization: str, owner: Owner | None, after_s: float, chance: random.Random
    ) -> HeldRun:
        """Make a run that is committed in ``after_s`` seconds."""
        is_normalised = chance.random() < self.habits.normalised
        if is_normalised:
            payload["runPython"]["args"] = [" ".join(payload["runPython"]["args"])]
        committed_s = CLOCK.now_s + after_s
        run = HeldRun(
            id=f"run-{len(self.runs):06d}",
            organization=organization,
            owner=owner,
            name=payload["name"],
            payload=payload,
            sent_s=CLOCK.now_s,
            committed_s=committed_s,
            visible_s=committed_s + self.habits.lag_s,
            is_normalised=is_normalised,
            created_at=_iso(committed_s),
        )
        self.runs.append(run)
        return run

    def existing(self) -> list[HeldRun]:
        return [run for run in self.runs if run.committed_s <= CLOCK.now_s < run.deleted_s]

    def get(self, organization: str, run_id: str) -> dict[str, Any] | None:
        for run in self.existing():
            if run.id == run_id and run.organization == organization:
                person = {"id": "p", "createTime": run.created_at, "updateTime": run.created_at, "roles": []}
                return {**run.view(self.habits.lasts_s), "region": "aws-us-west-2", "triggeredBy": person}
        return None

    def cancel(self, organization: str, run_id: str) -> int:
        """The status of the answer."""
        for run in self.existing():
            if run.id == run_id and run.organization == organization:
                if run.status(self.habits.lasts_s) != "RUNNING":
                    return 409
                run.cancelled_s = min(run.cancelled_s, CLOCK.now_s)
                return 204
        return 404

    def page(self, organization: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """One page of a list, the newest runs first."""
        after_s = _seconds(query["created_after"][0]) if "created_after" in query else 0.0
        statuses, lasts_s, now_s = query.get("status", ()), self.habits.lasts_s, CLOCK.now_s
        found = [
            run
            for run in self.runs
            if run.visible_s <= now_s < run.deleted_s
            and run.organization == organization
            and run.committed_s >= after_s
        ]
        found = self._by_name(found, query.get("name", [""])[0])
        if statuses:
            found = [run for run in found if run.status(lasts_s) in statuses]
        found.sort(key=_age, reverse=True)
        size = min(int(query["size"][0]), self.habits.page_size)
        begin = int(query.get("cursor", ["0"])[0])
        items = [run.shown(lasts_s) for run in found[begin : begin + size]]
        following = str(begin + size) if begin + size < len(found) else None
        return {"items": items, "total": len(found), "next_page": following}

    def _by_name(self, runs: list[HeldRun], wanted: str) -> list[HeldRun]:
        if wanted.endswith("*"):
            return [run for run in runs if run.name.startswith(wanted[:-1])]
        if self.habits.matches_substrings or not wanted:
            return [run for run in runs if wanted in run.name]
        return [run for run in runs if run.name == wanted]


_age = attrgetter("committed_s", "id")


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() - EPOCH_S
