"""Ledgers of whole batches, seeded: real event lines in the order in which a session would have written them.

A story says what varies, how fast runs are sent, how long they wait and work, and which corner of the sweep goes wrong.
"""

import heapq
import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from itertools import islice, product
from pathlib import Path
from typing import Any

import msgspec

from batchrun.ledger.clock import timestamp
from batchrun.ledger.events import (
    AttemptEvent,
    BatchEvent,
    CostEvent,
    Event,
    FailedEvent,
    RateEvent,
    RefusedEvent,
    RejectedEvent,
    SessionEvent,
    StatusEvent,
    SubmittedEvent,
    UnknownEvent,
    event_line,
)

__all__ = ["Story", "batch_event", "run_events", "write_events", "write_ledger"]

START_S = 1_795_507_200.0  # 2026-11-24T08:00:00Z
UNITS_PER_H = Decimal(5)  # what a tiny runtime costs at most
USD_PER_UNIT = Decimal("1.3")  # invented: it only has to be the same in all rows
Point = dict[str, Any]


def never(_: Point) -> float:
    return 0.0


def always_one(_: Point) -> float:
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A batch; ``failing`` is the chance that a point's run fails, ``slow`` multiplies the time it works."""

    axes: dict[str, list[Any]]
    name: str = "ndvi"
    seed: int = 1
    runs: int | None = None
    """Only the first points, this many; None for all."""
    failing: Callable[[Point], float] = never
    slow: Callable[[Point], float] = always_one
    messages: tuple[tuple[str, str], ...] = (
        ("RUN_FAIL_EXEC", "java.lang.OutOfMemoryError: Java heap space (stage 3.0, TID 1742)"),
        ("RUN_FAIL_EXEC", "py4j.protocol.Py4JJavaError: S3 access denied for s3://acme/scenes/0042.tif"),
    )
    timed_out: float = 0.1
    """The share of failures that are timeouts."""
    rejected: Callable[[Point], float] = never
    refused: float = 0.01
    lost: float = 0.003
    """The shares of attempts that are refused with 429, and whose response is lost."""
    rate_per_s: float = 20.0
    max_active: int | None = 100
    work_s: float = 240.0
    wait_s: float = 60.0
    until: float = 1.0
    """The share of the batch's span after which the ledger ends: below 1, runs are still active."""
    followed: bool = True
    """False: nothing was recorded after the runs were created."""
    costs: bool = True
    fields: Callable[[Point], Point] = field(default=lambda point: point)
    """What is recorded as the point: hostile strings, missing fields."""


def write_ledger(path: Path, story: Story) -> Path:
    """The story's ledger, as a batch that one session submitted and followed."""
    points = [dict(zip(story.axes, values, strict=True)) for values in product(*story.axes.values())]
    points = list(islice(points, story.runs))
    return write_events(path, [batch_event(story, len(points)), *_told(story, points)])


def write_events(path: Path, events: Iterable[Event]) -> Path:
    path.write_bytes(b"".join(map(event_line, events)))
    return path


def batch_event(story: Story, runs: int, at_s: float = START_S) -> BatchEvent:
    limit = f"max_active = {story.max_active}\n" if story.max_active is not None else ""
    manifest = f'version = 1\n\n[run]\nname = "{story.name}"\n\n[submit]\n{limit}'
    return BatchEvent(
        at=timestamp(at_s), format=1, batch_id=sha256(f"{story.name}{story.seed}".encode()).hexdigest()[:16],
        name=story.name, runs=runs, plan_sha256=sha256(str(story.seed).encode()).hexdigest(),
        base_url="https://api.cloud.wherobots.com", batchrun="0.2.0", manifest=manifest,
    )  # fmt: skip


def _told(story: Story, points: list[Point]) -> Iterator[Event]:
    """All events by time, up to where the story ends; the session's own begin and end it."""
    chance = random.Random(story.seed)
    timed = [(at_s, number, event) for number, (at_s, event) in enumerate(_events(story, points, chance))]
    timed.sort(key=lambda one: one[:2])
    last_s = timed[-1][0] if timed else START_S
    end_s = START_S + (last_s - START_S) * story.until
    yield SessionEvent(at=timestamp(START_S), action="start", pid=4242, host="build-7", batchrun="0.2.0")
    yield from (event for at_s, _, event in timed if at_s <= end_s)
    if story.until >= 1:
        rate = {"rate_per_s": story.rate_per_s, "window_s": None}
        yield RateEvent(at=timestamp(end_s), rate_per_s=story.rate_per_s)
        yield SessionEvent(at=timestamp(end_s + 1), action="stop", pid=4242, host="build-7", reason="done", rate=rate)


def _events(story: Story, points: list[Point], chance: random.Random) -> Iterator[tuple[float, Event]]:
    """Runs go out at the rate, at most ``max_active`` at once; a slot is free again when a run has ended."""
    ends: list[float] = []
    now_s = START_S
    for number, point in enumerate(points):
        now_s += chance.expovariate(story.rate_per_s)
        if story.max_active is not None and len(ends) >= story.max_active:
            now_s = max(now_s, heapq.heappop(ends) + chance.uniform(0.5, 8))
        run = list(run_events(story, point, number, now_s, chance))
        yield from run
        ends_s = [at_s for at_s, event in run if isinstance(event, StatusEvent)]
        if ends_s:
            heapq.heappush(ends, ends_s[-1])


def run_events(
    story: Story, point: Point, number: int, at_s: float, chance: random.Random
) -> Iterator[tuple[float, Event]]:
    """The events of one run, each with its time."""
    key = sha256(f"{story.name}/{story.seed}/{number}".encode()).hexdigest()[:16]
    name = f"{story.name}-" + "-".join(str(value) for value in point.values())[:200]
    recorded = msgspec.Raw(json.dumps(story.fields(point)).encode())
    n = 1
    yield at_s, AttemptEvent(at=timestamp(at_s), key=key, n=n, name=name)
    if chance.random() < story.refused:
        at_s += 0.08
        yield at_s, RefusedEvent(at=timestamp(at_s), key=key, n=n, status=429, code="RATE_LIMIT_ERROR", retry_in=1.0)
        n, at_s = n + 1, at_s + 1.0
        yield at_s, AttemptEvent(at=timestamp(at_s), key=key, n=n, name=name)
    at_s += chance.uniform(0.05, 0.3)
    if chance.random() < story.rejected(point):
        yield at_s, RejectedEvent(
            at=timestamp(at_s), key=key, n=n, name=name, status=422, code="VALIDATION_ERROR",
            message="args.2: value is not a valid date", field="runPython.args", point=recorded,
        )  # fmt: skip
        return
    via = "response"
    if chance.random() < story.lost:
        yield at_s, UnknownEvent(at=timestamp(at_s), key=key, n=n, reason="the connection was reset")
        if chance.random() < 0.1:
            return
        via, at_s = "settled", at_s + 31.0
    run_id = _run_id(chance)
    yield at_s, SubmittedEvent(
        at=timestamp(at_s), key=key, n=n, run_id=run_id, name=name, status="PENDING", point=recorded,
        via="settled" if via == "settled" else "response",
    )  # fmt: skip
    if story.followed:
        yield from _life(story, point, key, run_id, at_s, chance)


def _life(
    story: Story, point: Point, key: str, run_id: str, at_s: float, chance: random.Random
) -> Iterator[tuple[float, Event]]:
    started_s = at_s + story.wait_s * chance.lognormvariate(0, 0.5)
    app = f"app-{run_id}"
    yield started_s + 5, StatusEvent(
        at=timestamp(started_s + 5), key=key, run_id=run_id, status="RUNNING", create_time=timestamp(at_s),
        start_time=timestamp(started_s), kube_app_id=app,
    )  # fmt: skip
    work_s = story.work_s * story.slow(point) * chance.lognormvariate(0, 0.35)
    status, code, message = "COMPLETED", None, None
    if chance.random() < story.failing(point):
        status, work_s = "FAILED", work_s * chance.uniform(0.2, 0.7)
        code, message = chance.choice(story.messages)
        if chance.random() < story.timed_out:
            status, code, message, work_s = "TIMED_OUT", "RUN_FAIL_EXEC", "timeout after 3600 s", 3600.0
    end_s = started_s + work_s
    yield end_s + 6, StatusEvent(
        at=timestamp(end_s + 6), key=key, run_id=run_id, status=status, create_time=timestamp(at_s),
        start_time=timestamp(started_s), complete_time=timestamp(end_s), kube_app_id=app, code=code, message=message,
    )  # fmt: skip
    if story.costs:
        units = (UNITS_PER_H * Decimal(work_s / 3600)).quantize(Decimal("0.0001"))
        yield end_s + 60, CostEvent(
            at=timestamp(end_s + 60), key=key, run_id=run_id, state="final" if chance.random() < 0.9 else "settling",
            cost=str((units * USD_PER_UNIT).quantize(Decimal("0.0001"))), currency="USD", spatial_units=str(units),
        )  # fmt: skip


def failed_event(key: str, name: str, at_s: float, point: Point, n: int = 8) -> FailedEvent:
    """The end of a run whose attempts are used up."""
    return FailedEvent(
        at=timestamp(at_s), key=key, n=n, name=name, status=500, code="INTERNAL_SERVER_ERROR",
        message="internal error", point=msgspec.Raw(json.dumps(point).encode()),
    )  # fmt: skip


def _run_id(chance: random.Random) -> str:
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(14))
