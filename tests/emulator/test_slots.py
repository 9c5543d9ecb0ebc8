"""Slots, by value: who starts when, and what a cancellation or another capacity changes."""

import pytest

from batchrun.emulator.runs.lifecycle import Lifecycle, StoredRun
from batchrun.emulator.runs.slots import Slots
from batchrun.wherobots.views import RunStatus

T = 1_000_000.0


def run(number: int, created_at: float = T, run_s: float = 10.0) -> StoredRun:
    return StoredRun(
        number=number,
        id=f"run-{number}",
        name="run",
        organization="org",
        region="r",
        runtime="tiny",
        timeout_s=3600,
        payload=b"{}",
        created_at=created_at,
        lifecycle=Lifecycle(1.0, run_s, RunStatus.COMPLETED),
    )


def filled(capacity: int | None, *runs: StoredRun) -> Slots:
    slots = Slots(capacity)
    for one in runs:
        slots.add(one)
    return slots


def test_without_a_capacity_every_run_starts_at_once() -> None:
    runs = [run(1), run(2), run(3)]
    filled(None, *runs)
    assert [one.started_at for one in runs] == [T + 1] * 3


def test_a_run_starts_when_the_one_before_it_ends() -> None:
    runs = [run(1), run(2), run(3)]
    slots = filled(1, *runs)
    assert slots.advance(T + 100) == 3
    assert [one.started_at for one in runs] == [T + 1, T + 12, T + 23]


@pytest.mark.parametrize(("now", "ended"), [(T + 10, 0), (T + 11, 1), (T + 11.5, 1), (T + 100, 2)])
def test_advance_returns_how_many_runs_ended(now: float, ended: int) -> None:
    assert filled(None, run(1), run(2, run_s=20.0)).advance(now) == ended


def test_a_cancelled_run_counts_as_ended_once() -> None:
    first = run(1)
    slots = filled(None, first)
    assert slots.cancel(first, T + 5, 0.0)
    assert not slots.cancel(first, T + 6, 0.0)
    assert slots.advance(T + 100) == 1


def test_a_cancellation_later_than_the_end_changes_nothing() -> None:
    first = run(1)
    slots = filled(None, first)
    assert not slots.cancel(first, T + 5, 6.0)
    assert first.cancelled_at is None


def test_a_run_cancelled_before_it_starts_never_starts() -> None:
    first, second = run(1), run(2)
    slots = filled(1, first, second)
    slots.cancel(first, T + 0.5, 0.0)
    slots.advance(T + 0.5)
    assert first.started_at is None
    assert second.started_at == T + 1.5


def test_a_larger_capacity_starts_waiting_runs_from_then_on() -> None:
    first, second = run(1), run(2)
    slots = filled(1, first, second)
    slots.resize(2, T + 4)
    assert second.started_at == T + 5
