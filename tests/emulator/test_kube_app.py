"""What executes a run: its state and its events follow the run's life."""

from batchrun.emulator.runs.kube_app import kube_app, kube_app_id, run_id_of, timestamp_text
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings

T = 1_000_000.0
STARTUP_S, RUN_S = 9.0, 30.0
ENDED = T + STARTUP_S + RUN_S


def store_of(**settings: object) -> RunStore:
    return RunStore(EmulatorSettings(startup_s=STARTUP_S, run_s=RUN_S, **settings))


def run_of(store: RunStore, *, timeout_s: int = 3600) -> StoredRun:
    return store.commit(name="run", region="eu", runtime="tiny", timeout_s=timeout_s, payload=b"{}", now=T)


def status_of(run: StoredRun, after_s: float) -> str:
    return str(kube_app(run, T + after_s, "")["status"])


def codes_of(run: StoredRun, now: float) -> list[str]:
    return [event["code"] for event in kube_app(run, now, "")["events"]]


def test_its_id_leads_back_to_the_run() -> None:
    assert (run_id_of(kube_app_id("abc")), run_id_of("abc"), run_id_of("")) == ("abc", "", "")


def test_moments_are_utc_with_microseconds() -> None:
    assert timestamp_text(1_700_000_000.5) == "2023-11-14T22:13:20.500000Z"
    assert timestamp_text(1_700_000_000.0) == "2023-11-14T22:13:20.000000Z"


def test_it_starts_up_in_three_steps_and_is_destroyed_after_the_run() -> None:
    run = run_of(store_of())
    states = [status_of(run, after_s) for after_s in (0, 2.9, 3, 5.9, 6, 8.9, 9, 38.9, 39)]
    assert states == [
        "PREPARING", "PREPARING", "DEPLOYING", "DEPLOYING", "INITIALIZING", "INITIALIZING", "READY", "READY", "DESTROYED",
    ]  # fmt: skip


def test_a_run_without_a_slot_waits_for_capacity() -> None:
    store = store_of(capacity_runs=1)
    run_of(store)
    waiting = run_of(store)
    assert (status_of(waiting, 1000), codes_of(waiting, T + 1000)) == ("PENDING", ["APP_START_CREATION"])
    store.advance(ENDED)  # its slot is free from then on, whenever somebody looks
    assert [status_of(waiting, after_s) for after_s in (38, 39, 42)] == ["PENDING", "PREPARING", "DEPLOYING"]


def test_events_appear_when_they_happen() -> None:
    run = run_of(store_of())
    every = ["APP_START_CREATION", "APP_NODE_SCHEDULED", "RUN_START_EXEC", "RUN_SUCCESS_EXEC"]
    moments = [T, T + 3, T + STARTUP_S, ENDED]
    for count, moment in enumerate(moments, 1):
        assert codes_of(run, moment) == every[:count]
        assert codes_of(run, moment - 0.01) == every[: max(1, count - 1)]
    assert [event["createTime"] for event in kube_app(run, ENDED, "")["events"]] == [*map(timestamp_text, moments)]


def test_a_cancelled_run_ends_with_the_code_of_failures_and_its_own_message() -> None:
    store = store_of(cancel_delay_s=5)
    run = run_of(store)
    store.cancel(run, T + 10)
    assert [status_of(run, after_s) for after_s in (10, 14.9, 15)] == ["DESTROY_REQUESTED"] * 2 + ["DESTROYED"]
    app = kube_app(run, T + 15, "")
    assert app["message"] == app["events"][-1]["message"] == "The run was cancelled by its user"
    assert app["events"][-1]["code"] == "RUN_FAIL_EXEC"


def test_a_run_that_timed_out_says_so_only_when_it_has() -> None:
    run = run_of(store_of(), timeout_s=20)
    assert kube_app(run, T + 28, "")["message"] is None
    assert kube_app(run, T + 29, "")["message"] == "The run was stopped: timeout of 20 seconds reached"


def test_a_failure_has_the_code_and_message_of_its_rule_unless_the_user_cancelled_first() -> None:
    store = store_of(fail_where=[{"region": "eu", "code": "OUT_OF_MEMORY", "message": "The driver ran out of memory"}])
    failed, cancelled = run_of(store), run_of(store)
    store.cancel(cancelled, T + 10)
    ends = [kube_app(run, ENDED, "")["events"][-1] for run in (failed, cancelled)]
    assert [(end["code"], end["message"]) for end in ends] == [
        ("OUT_OF_MEMORY", "The driver ran out of memory"),
        ("RUN_FAIL_EXEC", "The run was cancelled by its user"),
    ]


def test_about_half_of_the_runs_wait_for_a_new_node() -> None:
    store = store_of()
    metas = [kube_app(run_of(store), ENDED, "")["events"][1]["eventMeta"] for _ in range(400)]
    assert 160 < sum(meta["node_preexisted"] for meta in metas) < 240
    for meta in metas:  # text in this form sorts by time
        assert (meta["node_creation_time"] < meta["pod_creation_time"]) is meta["node_preexisted"]
