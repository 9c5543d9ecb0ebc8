"""Which of the listed runs is the run of a lost attempt, and what follows when none is."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.sending.backlog import Work
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason
from batchrun.engine.verdicts import judge
from batchrun.ledger.events import SubmittedEvent
from batchrun.ledger.fold import Outcome
from batchrun.sweep.plan import PlannedRun
from batchrun.wherobots.answers import Answer, Created, Lost, Unreadable
from tests.engine.parts import Parts, Wire, emulator, open_parts
from tests.engine.service import plan_of
from tests.engine.virtual_time import VirtualClock

SETTLE_AFTER_S = 30.0
LONG_S = 600.0
"""Far longer than settling takes."""


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


@asynccontextmanager
async def opened(
    folder: Path, *, runs: int = 1, knows_clock: bool = True, max_attempts: int = 8, **settings: Any
) -> AsyncIterator[tuple[Parts, Wire]]:
    wire = emulator(EmulatorSettings.model_validate(settings))
    chosen = SubmitSettings(settle_after_s=SETTLE_AFTER_S, max_attempts=max_attempts)
    async with open_parts(folder, plan_of(runs), wire, settings=chosen, knows_clock=knows_clock) as parts:
        yield parts, wire


async def lose(parts: Parts, answer: Answer | None = None) -> Work:
    """The next run, whose attempt just ended without a usable response."""
    work, sent_at_s = await parts.take(), parts.attempts._created_from_s()
    work.n += 1
    await parts.ledger.attempted(work.key, work.n, work.name)
    answer = answer or Lost("ReadTimeout")
    parts.outcomes.answered(work, answer, judge(answer, may_exist=False), sent_at_s=sent_at_s)
    return work


async def create(parts: Parts, run: PlannedRun, **changes: Any) -> str:
    """A run at the service, made behind batchrun's back; its id."""
    answer = await parts.client.create(run.region, json.dumps(json.loads(run.body) | changes).encode())
    assert isinstance(answer, Created)
    return answer.run_id


async def settle(parts: Parts, seconds: float = LONG_S) -> None:
    """Let the settler work for a while, or until nothing is left to settle."""
    with anyio.move_on_after(seconds):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(parts.settler.run)
            while len(parts.to_settle):  # noqa: ASYNC110 - nothing announces the end, and this clock jumps
                await anyio.sleep(0.25)
            tasks.cancel_scope.cancel()


async def adopted(parts: Parts) -> str | None:
    """The id of the run that was adopted last."""
    ids = [event.run_id for event in await parts.events() if isinstance(event, SubmittedEvent)]
    return ids[-1] if ids else None


async def test_a_run_that_exists_is_found_at_the_first_look(tmp_path: Path, clock: VirtualClock) -> None:
    async with opened(tmp_path) as (parts, wire):
        run_id = await create(parts, next(iter(parts.plan)))
        await lose(parts)
        began_s = clock.now_s
        await settle(parts)
        assert await adopted(parts) == run_id
        assert parts.counts == {"submitted": 1}
        assert clock.now_s - began_s < SETTLE_AFTER_S / 4
        assert len(wire.lists) == 1


async def test_of_two_runs_on_two_pages_of_a_list_the_oldest_is_adopted_and_the_other_reported(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with opened(tmp_path, runs=200) as (parts, wire):
        first, *others = parts.plan
        run_id = await create(parts, first)
        clock.advance(1)
        for run in others:
            await create(parts, run)
        second_id = await create(parts, first)
        work = await lose(parts)
        for _ in range(3):  # one long list takes fewer calls than their names
            await lose(parts)
        clock.advance(5)
        await settle(parts)
        assert len(wire.lists) == 3
        adopted = [e for e in await parts.events() if isinstance(e, SubmittedEvent) and e.key == work.key]
        assert [(e.run_id, e.duplicates) for e in adopted] == [(run_id, [second_id])]


async def test_a_run_older_than_the_batch_is_anothers_whatever_a_later_sessions_clock_says(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with opened(tmp_path) as (parts, _):
        await create(parts, next(iter(parts.plan)))
        clock.advance(60)
        parts.settler._began_s = clock.time()
        work = await lose(parts)
        work.first_unknown_at_s = clock.time() - 600
        await settle(parts)
        assert await adopted(parts) is None
        assert parts.counts == {"pending": 1}


async def test_a_run_that_does_not_exist_is_sent_again_but_not_before_its_time(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with opened(tmp_path) as (parts, _):
        await lose(parts)
        began_s = clock.now_s
        await settle(parts)
        assert clock.now_s - began_s > SETTLE_AFTER_S
        assert parts.counts == {"pending": 1}
        assert parts.backlog.waiting == 1


async def test_a_run_that_is_created_late_is_adopted_and_not_sent_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (parts, _):
        work = await lose(parts)
        await settle(parts, SETTLE_AFTER_S - 5)
        assert parts.is_settling(work)
        run_id = await create(parts, work.run)
        await settle(parts)
        assert await adopted(parts) == run_id
        assert parts.backlog.is_finished


async def test_a_list_that_lags_is_given_its_time(tmp_path: Path) -> None:
    async with opened(tmp_path, list_lag_s=SETTLE_AFTER_S - 1) as (parts, _):
        run_id = await create(parts, next(iter(parts.plan)))
        await lose(parts)
        await settle(parts)
        assert await adopted(parts) == run_id


async def test_a_run_whose_name_only_contains_ours_is_another_run(tmp_path: Path) -> None:
    async with opened(tmp_path, list_name_match="substring") as (parts, _):
        work = await lose(parts)
        await create(parts, work.run, name=f"{work.run.name}0")
        await settle(parts)
        assert await adopted(parts) is None
        assert parts.counts == {"pending": 1}


async def test_a_run_of_our_name_with_another_payload_is_another_run(tmp_path: Path) -> None:
    async with opened(tmp_path) as (parts, _):
        work = await lose(parts)
        await create(parts, work.run, runPython={"uri": "s3://acme/jobs/tile.py", "args": ["--tile", "other"]})
        await settle(parts)
        assert await adopted(parts) is None


async def test_a_run_of_our_name_from_before_the_attempt_is_another_run(tmp_path: Path, clock: VirtualClock) -> None:
    async with opened(tmp_path) as (parts, _):
        await create(parts, next(iter(parts.plan)))
        clock.advance(60.0)
        await lose(parts)
        await settle(parts)
        assert await adopted(parts) is None


async def test_clocks_that_disagree_by_a_second_hide_no_run(tmp_path: Path, clock: VirtualClock) -> None:
    async with opened(tmp_path) as (parts, _):
        run_id = await create(parts, next(iter(parts.plan)))
        clock.advance(1.0)
        await lose(parts)
        await settle(parts)
        assert await adopted(parts) == run_id


async def test_while_the_services_clock_is_not_known_much_earlier_runs_count(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with opened(tmp_path, knows_clock=False, date_header="none") as (parts, _):
        run_id = await create(parts, next(iter(parts.plan)))
        clock.advance(1800.0)
        await lose(parts)
        await settle(parts)
        assert await adopted(parts) == run_id


async def test_of_several_runs_the_oldest_is_adopted_and_the_others_are_named(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with opened(tmp_path) as (parts, _):
        work = await lose(parts)
        ids = []
        for _ in range(3):
            ids.append(await create(parts, work.run))
            clock.advance(0.2)
        await settle(parts)
        assert await adopted(parts) == ids[0]
        (others,) = (await parts.state()).duplicates.values()
        assert sorted(others) == sorted(ids[1:])


async def test_one_look_serves_all_runs_that_are_due(tmp_path: Path) -> None:
    async with opened(tmp_path, runs=30) as (parts, wire):
        for run in parts.plan:
            await create(parts, run)
            await lose(parts)
        await settle(parts)
        assert parts.counts == {"submitted": 30}
        assert len(wire.lists) == 1


async def test_a_few_runs_among_many_are_looked_for_by_name(tmp_path: Path) -> None:
    async with opened(tmp_path, runs=105) as (parts, wire):
        run_ids = [await create(parts, run) for run in parts.plan]
        await lose(parts)
        await settle(parts)
        assert await adopted(parts) == run_ids[0]
        assert len(wire.lists) == 3  # the third is a GET by the id that the list of its name showed


async def test_a_list_of_several_pages_is_read_to_its_end(tmp_path: Path, clock: VirtualClock) -> None:
    async with opened(tmp_path, runs=105) as (parts, wire):
        for run in parts.plan:
            await create(parts, run)
        for _ in range(2):
            await lose(parts)
        clock.advance(2.0)
        await settle(parts)
        assert parts.counts == {"submitted": 2, "pending": 103}
        assert ["cursor" in request.url.params for request in wire.lists] == [False, True]


async def test_a_run_that_exists_without_a_readable_id_is_never_sent_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (parts, _):
        work = await lose(parts, Unreadable(201, "no JSON"))
        await settle(parts)
        assert await parts.outcome(work) is Outcome.UNKNOWN
        assert parts.counts == {"unknown": 1}
        assert parts.backlog.is_finished
        assert [note.place for note in parts.observer.seen] == [work.run.name]


async def test_lists_that_fail_prove_nothing_and_are_tried_again(tmp_path: Path) -> None:
    async with opened(tmp_path, faults={"error_before_commit": "1@2-4"}, faults_on="all") as (parts, wire):
        run_id = await create(parts, next(iter(parts.plan)))
        await lose(parts)
        await settle(parts)
        assert await adopted(parts) == run_id
        assert len(wire.lists) == 4


async def test_a_list_that_names_a_time_is_left_alone_until_then(tmp_path: Path, clock: VirtualClock) -> None:
    times: list[float] = []

    def busy(request: httpx.Request) -> httpx.Response:
        times.append(clock.now_s)
        body = {"errors": [{"code": "RATE_LIMIT_ERROR", "message": "slow down"}]}
        return httpx.Response(429, json=body, headers={"Retry-After": "45"}, request=request)

    chosen = SubmitSettings(settle_after_s=SETTLE_AFTER_S)
    async with open_parts(tmp_path, plan_of(2), httpx.MockTransport(busy), settings=chosen) as parts:
        await lose(parts)
        await settle(parts, 100.0)
        assert len(times) == 3
        assert times[1] - times[0] >= 45.0
        assert not parts.switch.is_pulled


async def test_a_service_that_cannot_be_listed_leaves_runs_unknown_once_nothing_else_is_left(tmp_path: Path) -> None:
    async with opened(tmp_path, runs=2, faults={"error_before_commit": 1.0}, faults_on="all") as (parts, wire):
        works = [await lose(parts), await lose(parts)]
        await settle(parts)
        assert len(parts.to_settle) == 0
        assert parts.counts == {"unknown": 2}
        assert parts.backlog.is_finished
        assert {note.place for note in parts.observer.seen} == {work.run.name for work in works}
        assert len(wire.lists) > 3


async def test_while_runs_are_left_to_send_settling_does_not_give_up(tmp_path: Path) -> None:
    async with opened(tmp_path, runs=2, faults={"error_before_commit": 1.0}, faults_on="all") as (parts, wire):
        work = await lose(parts)
        await settle(parts)
        assert parts.is_settling(work)
        assert len(wire.lists) > 6


@pytest.mark.parametrize(
    ("fault", "reason"), [("forbidden", StopReason.UNAUTHORIZED), ("redirect", StopReason.REDIRECTED)]
)
async def test_a_key_or_an_address_that_is_refused_while_listing_stops_the_batch(
    tmp_path: Path, fault: str, reason: StopReason
) -> None:
    async with opened(tmp_path, runs=2, faults={fault: 1.0}, faults_on="all") as (parts, _):
        work = await lose(parts)
        await settle(parts, 5.0)
        assert parts.switch.stop is not None
        assert parts.switch.stop.reason is reason
        assert await parts.outcome(work) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("listed", "is_ours"),
    [
        ({"payload": None}, True),
        ({"createTime": None}, True),
        ({"createTime": "no time"}, True),
        ({"status": "SOMETHING_NEW"}, True),
        ({"id": ""}, False),
        ({"name": None}, False),
        ({"name": "tile-run-2"}, False),
        ({"payload": {}}, False),
        ({"createTime": "2020-01-01T00:00:00Z"}, False),
    ],
)
async def test_what_the_list_leaves_out_hides_no_run_and_what_it_contradicts_is_another_run(
    tmp_path: Path, listed: dict[str, Any], is_ours: bool
) -> None:
    (run,) = plan_of(1)
    item = {"id": "gt1", "name": run.name, "status": "PENDING", "payload": json.loads(run.body)} | listed

    def service(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": [item], "total": 1}, request=request)

    async with open_parts(tmp_path, plan_of(1), httpx.MockTransport(service)) as parts:
        await lose(parts)
        await settle(parts)
        assert await adopted(parts) == ("gt1" if is_ours else None)
