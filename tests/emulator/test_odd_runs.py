"""Runs with a status that nobody knows, runs that go back to PENDING, runs that the service forgets."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.listing import RunQuery, list_page, parse_cursor
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.runs.views import run_view
from batchrun.emulator.settings import EmulatorSettings, load_settings
from batchrun.wherobots.views import RunStatus, RunView

Service = Callable[..., httpx.AsyncClient]
T = 1_000_000.0


def made(**settings: Any) -> tuple[RunStore, StoredRun]:
    store = RunStore(load_settings(None, {"startup_s": 30, "run_s": 90, **settings}))
    run = store.commit(name="n", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T)
    return store, run


def view(run: StoredRun, now: float) -> dict[str, Any]:
    return {**run_view(run, now), "payload": {}}


def test_an_odd_status_is_shown_in_the_middle_of_a_run_only() -> None:
    _, run = made(odd_status_rate=1)
    shown = [view(run, T + second)["status"] for second in (10, 40, 70, 100, 130)]
    assert [shown[0], shown[1], shown[3], shown[4]] == ["PENDING", "RUNNING", "RUNNING", "COMPLETED"]
    assert not RunStatus(shown[2]).is_known
    assert run.status_at(T + 70) is RunStatus.RUNNING


def test_a_relapse_is_pending_again_without_a_start() -> None:
    _, run = made(relapse_rate=1)
    shown = [(view(run, T + second)["status"], view(run, T + second)["startTime"] is None) for second in (40, 70, 130)]
    assert shown == [("RUNNING", False), ("PENDING", True), ("COMPLETED", False)]


@pytest.mark.parametrize("setting", ["odd_status_rate", "relapse_rate"])
def test_lists_filter_by_the_status_that_is_shown(setting: str) -> None:
    store, _ = made(**{setting: 1})
    first = parse_cursor(None)
    assert first is not None
    for second, found in ((40, 1), (70, 0), (100, 1)):
        query = RunQuery(statuses=frozenset({"RUNNING"}))
        assert list_page(store, query, first, 10, T + second).total == found


def test_a_timeout_that_is_reported_as_a_failure_is_listed_as_one() -> None:
    store, _ = made(timed_out_rate=1, timeout_as_failed=True)
    first = parse_cursor(None)
    assert first is not None
    totals = [
        list_page(store, RunQuery(statuses=frozenset({status})), first, 10, T + 200).total
        for status in ("FAILED", "TIMED_OUT")
    ]
    assert totals == [1, 0]


async def test_a_forgotten_run_is_404_and_in_no_list_but_in_the_audit(
    service: Service, payload: dict[str, Any]
) -> None:
    client = service(gone_rate=1, gone_after_s=0)
    run = (await client.post("/runs", params={"region": "r"}, json=payload)).json()
    assert (await client.get(f"/runs/{run['id']}")).status_code == 404
    assert (await client.get("/runs")).json()["total"] == 0
    (line,) = (await client.get("/_emulator/runs")).text.splitlines()
    assert json.loads(line)["deletedAt"] == run["createTime"]


def test_a_run_is_there_until_it_is_forgotten() -> None:
    _, run = made(gone_rate=1, gone_after_s=60, speed=2)
    assert [run.is_deleted_at(T + second) for second in (29, 31)] == [False, True]


def test_the_app_of_a_run_goes_through_its_stages() -> None:
    _, run = made(fail_where={"runtime": "tiny", "code": "RUN_LOST", "message": "no such table"})
    apps = [view(run, T + second)["kubeApp"] for second in (5, 15, 25, 60, 130)]
    assert [app["status"] for app in apps] == ["PREPARING", "DEPLOYING", "INITIALIZING", "READY", "DESTROYED"]
    assert [len(app["events"]) for app in apps] == [1, 2, 2, 3, 4]
    metas = [event["eventMeta"] for event in apps[-1]["events"]]
    assert metas[0] == {"use_v2_workflow": True}
    assert metas[1].keys() == {"node_preexisted", "node_name", "pod_creation_time", "node_creation_time"}
    assert metas[3] == {"start_timestamp": T + 30, "end_timestamp": T + 120}
    assert (apps[-1]["events"][-1]["code"], apps[-1]["message"]) == ("RUN_LOST", "no such table")
    assert apps[0]["message"] is None


def test_a_run_without_a_slot_has_no_app_in_preparation() -> None:
    store, _ = made(capacity_runs=1)
    waiting = store.commit(name="n", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T)
    assert view(waiting, T + 20)["kubeApp"]["status"] == "PENDING"


def test_a_cancelled_run_does_not_show_how_it_would_have_failed() -> None:
    store, run = made(fail_where={"runtime": "tiny", "message": "no such table"}, cancel_delay_s=10)
    store.cancel(run, T + 50)
    apps = [view(run, T + second)["kubeApp"] for second in (55, 61)]
    assert [app["status"] for app in apps] == ["DESTROY_REQUESTED", "DESTROYED"]
    assert apps[1]["message"] == "The run was cancelled by its user"
    assert "no such table" not in json.dumps(apps)


def test_every_stage_can_be_parsed() -> None:
    body = b'{"runtime": "tiny", "name": "some-run"}'
    for number in range(20):
        settings = EmulatorSettings(seed=number, odd_status_rate=0.5, relapse_rate=0.5, timed_out_rate=0.3)
        run = RunStore(settings).commit(
            name="some-run", region="r", runtime="tiny", timeout_s=3600, payload=body, now=T
        )
        for second in range(0, 25, 4):
            shown = msgspec.json.encode(run_view(run, T + second))
            assert RunView.model_validate_json(shown).kube_app is not None
