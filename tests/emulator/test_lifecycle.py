"""The lifecycle of runs follows from time, seed, capacity and cancellations."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from batchrun.emulator.runs.lifecycle import StoredRun, lifecycle_of
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import RunStatus

T = 1_000_000.0


def store_of(**settings: object) -> RunStore:
    return RunStore(EmulatorSettings(**settings))


def commit(store: RunStore, now: float, *, region: str = "r", timeout_s: int = 3600) -> StoredRun:
    return store.commit(name="run", region=region, runtime="tiny", timeout_s=timeout_s, payload=b"{}", now=now)


def test_a_run_is_pending_then_running_then_completed() -> None:
    store = store_of(startup_s=2, run_s=10)
    run = commit(store, T)
    states = [run.status_at(T + second) for second in (0, 1.9, 2, 11.9, 12)]
    assert states == ["PENDING", "PENDING", "RUNNING", "RUNNING", "COMPLETED"]


def test_speed_shortens_a_life() -> None:
    lifecycle = lifecycle_of(EmulatorSettings(startup_s=60, run_s=600, speed=60), 1, 3600)
    assert (lifecycle.startup_s, lifecycle.run_s) == (1, 10)


def test_a_run_longer_than_its_timeout_times_out_then() -> None:
    lifecycle = lifecycle_of(EmulatorSettings(run_s=600), 1, 60)
    assert (lifecycle.run_s, lifecycle.final_status) == (60, RunStatus.TIMED_OUT)


def test_failures_come_at_their_rate() -> None:
    endings = [lifecycle_of(EmulatorSettings(failure_rate=0.2), number, 3600).final_status for number in range(2000)]
    assert 320 < endings.count(RunStatus.FAILED) < 480


@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.sampled_from(["a", "b"]), st.one_of(st.none(), st.floats(0, 60))), max_size=30
    ),
    st.integers(1, 3),
)
def test_no_more_runs_than_the_capacity_hold_a_slot_and_all_end(
    arrivals: list[tuple[float, str, float | None]], capacity: int
) -> None:
    store = store_of(capacity_runs=capacity, startup_s=1, run_s=5)
    cancels: list[tuple[float, StoredRun]] = []
    for second, region, cancel_after in sorted(arrivals, key=lambda one: one[0]):
        run = commit(store, T + second, region=region)
        if cancel_after is not None:
            cancels.append((T + 50 + cancel_after, run))
    for moment, run in sorted(cancels, key=lambda one: one[0]):
        store.cancel(run, moment)
    store.advance(T + 10_000)
    assert store.active_runs == 0
    for run in store.runs:
        assert run.ended_at is not None
        if (started_at := run.started_at) is None:
            continue
        at_once = [
            other
            for other in store.runs
            if other.region == run.region
            and other.started_at is not None
            and other.started_at <= started_at < (other.ended_at or 0)
        ]
        assert len(at_once) <= capacity


def test_cancelling_frees_the_slot_for_the_next() -> None:
    store = store_of(capacity_runs=1, startup_s=0, run_s=100)
    first, second = commit(store, T), commit(store, T)
    store.cancel(first, T + 3)
    store.advance(T + 4)
    assert first.status_at(T + 4) == "CANCELLED"
    assert second.status_at(T + 4) == "RUNNING"
    assert second.started_at == T + 3


@pytest.mark.parametrize("capacity", [2, None])
def test_runs_that_waited_start_when_the_capacity_grows_not_before(capacity: int | None) -> None:
    store = store_of(capacity_runs=1, startup_s=1, run_s=1000)
    commit(store, T)
    waiting = commit(store, T)
    store.change(EmulatorSettings(capacity_runs=capacity), T + 500)
    store.advance(T + 600)
    assert (waiting.started_at, waiting.ended_at) == (T + 501, T + 1501)


def test_a_smaller_capacity_stops_no_run_and_starts_none_until_there_is_room() -> None:
    store = store_of(startup_s=0, run_s=10)
    commit(store, T)
    commit(store, T + 5)
    store.change(EmulatorSettings(capacity_runs=1, startup_s=0, run_s=10), T + 6)
    waiting = commit(store, T + 7)
    store.advance(T + 100)
    assert waiting.started_at == T + 15


def test_a_waiting_run_can_be_cancelled_and_never_starts() -> None:
    store = store_of(capacity_runs=1, startup_s=0, run_s=10)
    commit(store, T)
    waiting = commit(store, T)
    store.cancel(waiting, T + 1)
    store.advance(T + 100)
    assert waiting.status_at(T + 100) == "CANCELLED"
    assert waiting.started_at is None
    assert store.active_runs == 0


def test_cancelling_an_ended_run_changes_nothing() -> None:
    store = store_of(startup_s=0, run_s=1)
    run = commit(store, T)
    store.cancel(run, T + 5)
    assert run.status_at(T + 6) == "COMPLETED"


def test_a_cancellation_can_be_delayed() -> None:
    store = store_of(startup_s=0, run_s=1000, cancel_delay_s=60)
    run = commit(store, T)
    store.cancel(run, T + 5)
    assert [run.status_at(T + second) for second in (10, 66)] == ["RUNNING", "CANCELLED"]


def test_the_peak_of_active_runs_is_kept() -> None:
    store = store_of(startup_s=0, run_s=1)
    for second in range(5):
        commit(store, T + second / 2)
    store.advance(T + 100)
    assert (store.active_runs, store.active_runs_peak) == (0, 2)
