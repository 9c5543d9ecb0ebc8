"""Following a batch to its end: every run's final status is learned, written once, and never guessed."""

from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest

from batchrun.errors import ApiError, LedgerChangedError, LedgerMismatchError
from batchrun.ledger.compact import compact
from batchrun.ledger.file import FileLedger
from batchrun.ledger.statuses import has_ended
from tests.engine.virtual_time import VirtualClock
from tests.tracking.following.service import Service, open_service

LIVELY: dict[str, Any] = {
    "run_spread": 0.5,
    "failure_rate": 0.05,
    "timed_out_rate": 0.05,
    "odd_status_rate": 0.05,
    "relapse_rate": 0.05,
    "gone_rate": 0.03,
    "startup_s": 30,
    "run_s": 300,
}


async def assert_all_known(service: Service) -> None:
    """The ledger holds the final status of each run as the service does, each written once."""
    recorded, really = service.recorded(), await service.audit()
    assert recorded == really
    assert all(has_ended(status) for status in really.values())
    written = service.status_events()
    assert {found: count for found, count in written.items() if count > 1 and has_ended(found[1])} == {}
    assert sum(has_ended(status) for _, status in written) == len(really)


@pytest.mark.parametrize("order", ["newest", "oldest", "random"])
async def test_every_run_is_followed_to_its_end_whatever_the_order_of_lists(tmp_path: Path, order: str) -> None:
    async with open_service(tmp_path, list_order=order, capacity_runs=30, **LIVELY) as service:
        await service.create(90)
        follower = await service.follower()
        await follower.run()
        await assert_all_known(service)
        calls = await service.calls()
    assert follower.active == follower.unrecorded == 0
    assert follower.statuses == Counter(service.recorded().values())
    assert {change.status for change in service.changes} >= {"COMPLETED", "FAILED", "TIMED_OUT", "gone"}
    assert calls["list"] + calls["get"] < 330


async def test_faults_on_every_reading_call_delay_it_and_change_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    faults = {"error": 0.1, "reset": 0.05, "rate_limit": 0.05, "not_found": 0.05, "cut_body": 0.05, "forbidden": 0.03}
    async with open_service(tmp_path, call_faults=faults, list_max_items=30, capacity_runs=60, **LIVELY) as service:
        await service.create(70)
        began_s = clock.now_s
        await (await service.follower()).run()
        await assert_all_known(service)
    assert clock.now_s - began_s < 3_600


@pytest.mark.parametrize("status", [403, 404])
async def test_where_the_list_is_refused_runs_are_asked_for(tmp_path: Path, status: int) -> None:
    async with open_service(tmp_path, refused_calls={"list": status}, startup_s=5, run_s=60) as service:
        await service.create(8)
        await (await service.follower()).run()
        await assert_all_known(service)
    assert [note.place for note in service.notes] == ["GET /runs"]
    assert "read one by one" in service.notes[0].text()


@pytest.mark.parametrize("status", [403, 404])
async def test_where_single_runs_are_refused_the_list_of_ended_runs_has_them(tmp_path: Path, status: int) -> None:
    refused = {"get": status}
    async with open_service(tmp_path, refused_calls=refused, startup_s=5, run_s=60, failure_rate=0.3) as service:
        await service.create(8)
        await (await service.follower()).run()
        await assert_all_known(service)
    assert len(service.notes) <= 1


async def test_where_both_are_refused_it_says_so(tmp_path: Path) -> None:
    async with open_service(tmp_path, refused_calls={"get": 403, "list": 403}, startup_s=5, run_s=60) as service:
        await service.create(3)
        with pytest.raises(ApiError, match="this API key can read neither the list nor single runs"):
            await (await service.follower()).run()
        assert service.status_events() == {}


async def test_a_key_that_is_not_accepted_ends_it(tmp_path: Path) -> None:
    async with open_service(tmp_path, run_s=60) as service:
        await service.create(3)
        follower = await service.follower()
        await service.configure(refused_calls={"list": 401})
        with pytest.raises(ApiError, match="401"):
            await follower.run()


@pytest.mark.parametrize("refused", [{"list": 403, "get": 401}, {"list": 404, "get": 404}])
async def test_a_service_that_shows_nothing_at_all_ends_it(tmp_path: Path, refused: dict[str, int]) -> None:
    async with open_service(tmp_path, run_s=60) as service:
        await service.create(3)
        follower = await service.follower()
        await service.configure(refused_calls=refused)
        with pytest.raises(ApiError, match=f"HTTP {refused['get']}"):
            await follower.run()
        assert service.status_events() == {}


async def test_the_key_of_another_organization_never_makes_a_run_gone(tmp_path: Path) -> None:
    organizations = {"k-tracking-1": "ours"}
    async with open_service(tmp_path, organizations=organizations, organization_status=403, run_s=60) as service:
        await service.create(3)
        await service.configure(organizations={"k-tracking-1": "theirs"})
        with pytest.raises(LedgerMismatchError, match="knows none of"):
            await service.follower()


async def test_two_followers_write_each_status_once(tmp_path: Path) -> None:
    async with open_service(tmp_path, **LIVELY) as service:
        await service.create(60)
        first, second = await service.follower(), await service.follower()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first.run)
            tasks.start_soon(second.run)
        await assert_all_known(service)
        assert first.statuses == second.statuses == Counter(service.recorded().values())


async def test_followers_that_are_cut_off_leave_off_where_the_next_begins(tmp_path: Path) -> None:
    async with open_service(tmp_path, capacity_runs=20, **LIVELY) as service:
        await service.create(60)
        for seconds in (1, 40, 90, 200, 400, 700):
            with anyio.move_on_after(seconds):
                await (await service.follower()).run()
        await (await service.follower()).run()
        await assert_all_known(service)


async def test_while_another_process_writes_changes_are_kept_and_new_runs_followed(tmp_path: Path) -> None:
    async with open_service(tmp_path, startup_s=5, run_s=30) as service:
        await service.create(5, ends=False)
        follower = await service.follower()
        async with anyio.create_task_group() as tasks:
            with FileLedger.open(service.path):
                tasks.start_soon(follower.run)
                await anyio.sleep(60)
                assert len(service.changes) == 10
                assert follower.is_written
                assert follower.unrecorded == 5
                assert service.status_events() == {}
            await service.create(5, first=5, begins=False)
        assert follower.unrecorded == 0
        await assert_all_known(service)
        assert len(service.recorded()) == 10


async def test_what_another_process_records_is_learned_without_asking(tmp_path: Path) -> None:
    async with open_service(tmp_path, startup_s=5, run_s=30) as service:
        await service.create(5)
        follower = await service.follower()
        await (await service.follower()).run()
        service.changes.clear()
        before = await service.calls()
        await follower.run()
        assert sorted(change.status for change in service.changes) == ["COMPLETED"] * 5
        assert (await service.calls()) == before
        await assert_all_known(service)


async def test_a_ledger_that_is_compacted_meanwhile_is_read_again(tmp_path: Path) -> None:
    async with open_service(tmp_path, startup_s=5, run_s=100) as service:
        await service.create(5)
        follower = await service.follower()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.run)
            await anyio.sleep(30)
            await anyio.to_thread.run_sync(compact, service.path)
        assert follower.statuses["COMPLETED"] == follower.statuses.total() == 5
        await assert_all_known(service)


async def test_a_ledger_that_is_removed_ends_it(tmp_path: Path) -> None:
    async with open_service(tmp_path, startup_s=5, run_s=100) as service:
        await service.create(5)
        follower = await service.follower()
        service.path.unlink()
        with pytest.raises(LedgerChangedError, match="was removed"):
            await follower.run()


async def test_it_can_stop_at_the_first_failure(tmp_path: Path) -> None:
    async with open_service(tmp_path, startup_s=5, run_s=100, run_spread=0.9, failure_rate=0.3) as service:
        await service.create(30)
        follower = await service.follower()
        await follower.run(lambda: any(change.status == "FAILED" for change in service.changes))
        assert follower.active > 0
        assert follower.unrecorded == 0


async def test_the_time_that_is_left_is_estimated_from_what_has_ended(tmp_path: Path) -> None:
    async with open_service(tmp_path, startup_s=5, run_s=100, capacity_runs=10) as service:
        await service.create(40)
        follower = await service.follower()
        assert follower.left_s() is None
        with anyio.move_on_after(115):
            await follower.run()
        assert follower.left_s() == pytest.approx(300, rel=0.15)
        assert follower.statuses["RUNNING"] == 10


async def test_a_batch_without_created_runs_ends_at_once_and_asks_for_little(tmp_path: Path) -> None:
    async with open_service(tmp_path) as service:
        await service.create(0)
        await (await service.follower()).run()
        assert service.changes == []
        assert set(await service.calls()) == {"organization"}


async def test_one_look_is_enough_to_learn_what_became_of_runs_that_ended_long_ago(tmp_path: Path) -> None:
    async with open_service(tmp_path, startup_s=5, run_s=60, failure_rate=0.2) as service:
        await service.create(130)
        await anyio.sleep(3_600)
        before = (await service.calls()).get("list", 0)
        await (await service.follower()).look_once()
        await assert_all_known(service)
        calls = await service.calls()
    assert calls["list"] - before <= 5
    assert calls["get"] == 1, "whether the key is the right one"


async def test_runs_that_wait_for_a_place_are_counted_and_not_listed(tmp_path: Path) -> None:
    async with open_service(tmp_path, startup_s=5, run_s=100, capacity_runs=20) as service:
        await service.create(160)
        await (await service.follower()).run()
        await assert_all_known(service)
        calls = await service.calls()
    assert calls["list"] < 260  # all of them listed each time would be more than four hundred
