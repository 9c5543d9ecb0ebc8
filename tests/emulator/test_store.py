"""The emulator's runs: in order of creation, found by id and name, and those that have not ended."""

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings

T = 1_000_000.0


def store_of(**settings: object) -> RunStore:
    return RunStore(EmulatorSettings(startup_s=0, run_s=10, **settings))


def commit(store: RunStore, now: float = T, *, name: str = "run", organization: str = "acme") -> StoredRun:
    return store.commit(
        name=name, region="eu", runtime="tiny", timeout_s=60, payload=b"{}", now=now, organization=organization
    )


def ids(store: RunStore, count: int) -> list[str]:
    return [commit(store).id for _ in range(count)]


def test_ids_follow_from_the_seed() -> None:
    assert ids(store_of(seed=1), 50) == (same := ids(store_of(seed=1), 50))
    assert not {*same} & {*ids(store_of(seed=2), 50)}
    assert len({*same}) == 50


def test_a_clock_that_is_set_back_makes_no_run_older_than_the_one_before() -> None:
    store = store_of()
    assert [commit(store, T + after_s).created_at - T for after_s in (5, 3, 5, 6)] == [5, 5, 5, 6]


def test_runs_of_one_name_are_found_in_order_and_by_id() -> None:
    store = store_of()
    first, other, second = commit(store), commit(store, name="run-2"), commit(store)
    assert ([*store.named("run")], [*store.named("Run")]) == ([first, second], [])
    assert (store.get(other.id), store.get("other")) == (other, None)


def test_the_unfinished_ones_are_those_that_have_not_ended_even_if_the_clock_is_set_back() -> None:
    store = store_of()
    first, second = commit(store), commit(store, T + 5)
    assert [store.unfinished(T + after_s) for after_s in (9, 10, 15)] == [(first, second), (second,), ()]
    store.change(store.settings, T + 9)
    assert store.unfinished(T + 9) == (first, second)


def test_active_runs_are_counted_for_each_organization() -> None:
    store = store_of()
    for organization in ("acme", "acme", "other"):
        commit(store, organization=organization)
    assert (store.active_runs, store.active_runs_of("acme"), store.active_runs_of("nobody")) == (3, 2, 0)
    store.advance(T + 10)
    assert (store.active_runs, store.active_runs_of("acme"), store.active_runs_peak) == (0, 0, 3)


def test_a_list_needs_no_filter_until_another_organization_or_a_deletion() -> None:
    store = store_of()
    run = commit(store)
    assert [store.is_uniform(whose) for whose in (None, "acme", "other")] == [True, True, False]
    commit(store, organization="other")
    assert [store.is_uniform(whose) for whose in (None, "acme")] == [True, False]
    store.delete(run, T + 1)
    assert not store.is_uniform(None)


def test_a_deleted_run_ends_at_once_and_stays_in_the_order() -> None:
    store = store_of()
    run, other = commit(store), commit(store)
    store.delete(run, T + 1)
    store.advance(T + 1)
    assert ([*store.runs], store.active_runs, store.unfinished(T + 1)) == ([run, other], 1, (other,))
    assert (run.is_deleted_at(T), run.is_deleted_at(T + 1), run.ended_at) == (False, True, T + 1)


def test_a_held_slot_is_none_that_runs_can_get() -> None:
    store = store_of(capacity_runs=2, capacity_held=1)
    first, second = commit(store), commit(store)
    assert (first.started_at, second.started_at) == (T, None)
    store.change(EmulatorSettings(startup_s=0, run_s=10, capacity_runs=2), T + 4)
    assert second.started_at == T + 4


def test_a_cleared_store_is_as_new() -> None:
    store = store_of()
    run = commit(store)
    store.delete(run, T)
    store.clear()
    assert (len(store.runs), store.get(run.id), store.named("run"), store.unfinished(T)) == (0, None, (), ())
    assert (store.active_runs, store.active_runs_peak, store.is_uniform("anyone")) == (0, 0, True)
    assert commit(store).id == run.id
