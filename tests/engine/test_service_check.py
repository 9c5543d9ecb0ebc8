"""What is asked of the service before the first POST, in each of its answers."""

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import anyio.lowlevel
import httpx
import pytest

from batchrun.engine.batch import new_batch
from batchrun.engine.preflight.existing import Existing
from batchrun.engine.preflight.service_check import ServiceCheck
from batchrun.engine.progress import Reporter
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.engine.tagging import TAG
from batchrun.errors import RunsExistError
from batchrun.ledger.clock import epoch_seconds, timestamp
from batchrun.ledger.events import (
    AbsentEvent,
    AttemptEvent,
    Event,
    SubmittedEvent,
    UnknownEvent,
    event_line,
)
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_state
from tests.engine.parts import Notes, Wire, client_of, emulator
from tests.engine.service import URL, plan_of
from tests.engine.virtual_time import VirtualClock
from tests.ledger.test_fold import AT


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def responding(*statuses: int, **headers: str) -> Wire:
    """A service that gives these statuses in turn, the last of them forever."""
    left = list(statuses)

    def respond(request: httpx.Request) -> httpx.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        body: dict[str, Any] = {"items": [], "total": 0} if status == 200 else {"errors": [{"message": "no"}]}
        return httpx.Response(status, json=body, headers=headers, request=request)

    return Wire(httpx.MockTransport(respond))


def page_of_html(request: httpx.Request) -> httpx.Response:
    """What a proxy that wants a login answers to everything."""
    return httpx.Response(200, text="<html>please log in</html>", request=request)


def unreachable(times: int) -> Wire:
    """A service that does not respond at first."""
    left = [1] * times

    def respond(request: httpx.Request) -> httpx.Response:
        if left:
            left.pop()
            raise httpx.ConnectError("All connection attempts failed", request=request)
        return httpx.Response(200, json={"items": [], "total": 0}, request=request)

    return Wire(httpx.MockTransport(respond))


@asynccontextmanager
async def checking(
    folder: Path, service: Wire, *, events: Sequence[Event] = (), existing: Existing = Existing.REFUSE, runs: int = 3
) -> AsyncIterator[tuple[ServiceCheck, Notes]]:
    """A check before a session of a batch whose ledger holds these events."""
    plan, path, notes = plan_of(runs), folder / "tiles.ledger.jsonl", Notes()
    if events:
        path.write_bytes(b"".join(map(event_line, [new_batch(plan, URL), *events])))
    async with client_of(service, knows_clock=False) as client:
        with FileLedger.open(path, create=True) as ledger:
            check = ServiceCheck(
                plan=plan,
                ledger=ledger,
                client=client,
                wait_for_read=anyio.lowlevel.checkpoint,
                reporter=Reporter(notes),
                existing=existing,
            )
            yield check, notes


async def asked(folder: Path, service: Wire) -> Stop | None:
    """What a new batch is answered."""
    async with checking(folder, service) as (check, _):
        answer = await check.run()
        return answer if isinstance(answer, Stop) else None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, StopReason.UNAUTHORIZED),
        (403, StopReason.UNAUTHORIZED),
        (301, StopReason.REDIRECTED),
        (307, StopReason.REDIRECTED),
    ],
)
async def test_a_key_or_an_address_that_is_refused_stops_the_batch_at_the_first_answer(
    tmp_path: Path, status: int, reason: StopReason
) -> None:
    service = responding(status)
    stop = await asked(tmp_path, service)
    assert stop is not None
    assert stop.reason is reason
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [404, 405, 410])
async def test_a_base_url_without_a_runs_api_stops_the_batch_before_anything_is_sent(
    tmp_path: Path, status: int
) -> None:
    service = responding(status)
    stop = await asked(tmp_path, service)
    assert stop is not None
    assert stop.reason is StopReason.WRONG_PATH
    assert f"{status}" in stop.problem.fact
    assert "base URL" in stop.problem.fix
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [400, 422, 429, 500, 503])
async def test_a_refusal_that_may_be_of_this_list_alone_does_not_stop_the_batch(tmp_path: Path, status: int) -> None:
    async with checking(tmp_path, responding(status)) as (check, _):
        assert await check._reach() is None


async def test_answers_that_nobody_can_read_stop_the_batch_after_a_few_tries(
    tmp_path: Path, clock: VirtualClock
) -> None:
    service, began_s = Wire(httpx.MockTransport(page_of_html)), clock.now_s
    stop = await asked(tmp_path, service)
    assert stop is not None
    assert stop.reason is StopReason.UNREADABLE
    assert len(service.requests) > 1
    assert clock.now_s - began_s < 30.0


async def test_a_service_that_answers_lets_the_batch_start(tmp_path: Path) -> None:
    service = emulator()
    assert await asked(tmp_path, service) is None
    reach, organization, names = service.requests
    assert (reach.method, reach.url.path, reach.url.params["size"]) == ("GET", "/runs", "1")
    assert organization.url.path == "/organization"
    assert (names.url.path, names.url.params["name"]) == ("/runs", "tile-run-*")


async def test_the_first_answer_shows_the_services_clock(tmp_path: Path) -> None:
    service = responding(200, Date=formatdate(time.time() + 600, usegmt=True))
    async with checking(tmp_path, service) as (check, _):
        assert await check.run() == []
        assert check.client.clock.offset_s == pytest.approx(600.0, abs=1.0)


async def test_a_service_that_never_responds_stops_the_batch_after_a_few_tries(
    tmp_path: Path, clock: VirtualClock
) -> None:
    service, began_s = unreachable(100), clock.now_s
    stop = await asked(tmp_path, service)
    assert stop is not None
    assert stop.reason is StopReason.UNREACHABLE
    assert "All connection attempts failed" in stop.problem.fact
    assert len(service.requests) > 1
    assert clock.now_s - began_s < 30.0


async def test_a_service_that_is_just_starting_is_given_a_moment(tmp_path: Path, clock: VirtualClock) -> None:
    began_s = clock.now_s
    assert await asked(tmp_path, unreachable(2)) is None
    assert clock.now_s - began_s >= 1.0


async def test_a_key_that_is_refused_once_the_service_responds_still_stops_the_batch(tmp_path: Path) -> None:
    left = [1]

    def respond(request: httpx.Request) -> httpx.Response:
        if left:
            left.pop()
            raise httpx.ConnectError("not yet", request=request)
        return httpx.Response(401, json={}, request=request)

    stop = await asked(tmp_path, Wire(httpx.MockTransport(respond)))
    assert stop is not None
    assert stop.reason is StopReason.UNAUTHORIZED


def listing(runs: int, *, complete_after: int) -> Wire:
    """A service whose list of planned names lacks its last run until it was read ``complete_after`` times."""
    left, planned = [1] * complete_after, list(plan_of(runs))

    def respond(request: httpx.Request) -> httpx.Response:
        items = [
            {
                "id": f"r{n}",
                "name": run.name,
                "createTime": timestamp(time.time()),
                "payload": json.loads(run.body),
            }
            for n, run in enumerate(planned)
        ]
        if "name" in request.url.params and left:
            left.pop()
            return httpx.Response(200, json={"items": items[:-1], "total": runs})
        return httpx.Response(200, json={"items": items, "total": runs})

    return Wire(httpx.MockTransport(respond))


@pytest.mark.parametrize("existing", [Existing.FOREIGN, Existing.ADOPT])
async def test_a_decision_about_existing_runs_is_about_all_of_them(tmp_path: Path, existing: Existing) -> None:
    async with checking(tmp_path, listing(3, complete_after=2), existing=existing) as (check, _):
        found = await check.run()
        assert not isinstance(found, Stop)
        assert [run.id for run, _ in found] == ["r0", "r1", "r2"]


def a_million(request: httpx.Request) -> httpx.Response:
    """A service that holds a run of each of a million names."""
    size, start = int(request.url.params.get("size", 50)), int(request.url.params.get("cursor", 0))
    items = [{"id": f"r{n}", "name": f"tile-run-{n}", "createTime": AT} for n in range(start + 1, start + 1 + size)]
    page = {"items": items, "total": 1_000_000, "next_page": str(start + size)}
    return httpx.Response(200, json=page | {"id": "org"}, request=request)


async def test_a_check_takes_at_most_22_calls_however_many_runs_exist(tmp_path: Path) -> None:
    service = Wire(httpx.MockTransport(a_million))
    async with checking(tmp_path, service, runs=1000) as (check, _):
        with pytest.raises(RunsExistError, match="1,000 runs of this sweep exist at the service"):
            await check.run()
    assert len(service.requests) == 22


async def test_where_too_many_runs_have_the_prefix_single_names_are_looked_for(tmp_path: Path) -> None:
    """Five runs of a lost ledger, and two thousand newer ones whose names begin the same way."""
    names = [f"tile-other-{n}" for n in range(2_101)] + [run.name for run in plan_of(5)]

    def respond(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        pattern, start, size = query.get("name", "*"), int(query.get("cursor", 0)), int(query.get("size", 50))
        found = [name for name in names if pattern.endswith("*") or name == pattern]
        items = [{"id": name, "name": name, "createTime": AT} for name in found[start : start + size]]
        more = str(start + size) if start + size < len(found) else None
        return httpx.Response(
            200, json={"items": items, "total": len(found), "next_page": more, "id": "org"}, request=request
        )

    service = Wire(httpx.MockTransport(respond))
    async with checking(tmp_path, service, runs=5) as (check, notes):
        with pytest.raises(RunsExistError, match="5 runs of this sweep exist at the service"):
            await check.run()
    assert len(service.requests) == 2 + 10 + 5
    del names[-5:]
    async with checking(tmp_path, service, runs=5) as (check, notes):
        assert await check.run() == []
    assert notes.seen == []


@pytest.mark.parametrize("existing", list(Existing))
async def test_a_run_without_a_creation_time_may_be_of_any_time(tmp_path: Path, existing: Existing) -> None:
    run = next(iter(plan_of(1)))
    item = {"id": "undated", "name": run.name, "payload": json.loads(run.body)}
    service = Wire(httpx.MockTransport(lambda _: httpx.Response(200, json={"items": [item], "total": 1})))
    async with checking(tmp_path, service, existing=existing, runs=1) as (check, _):
        if existing is Existing.REFUSE:
            with pytest.raises(RunsExistError):
                await check.run()
        else:
            found = await check.run()
            assert not isinstance(found, Stop)
            assert [listed.id for listed, _ in found] == ["undated"]


async def test_a_large_batch_is_created_anew_without_listing_the_earlier_one(tmp_path: Path) -> None:
    """Only the latest runs could be taken for those that are about to be created."""
    service = emulator()
    async with checking(tmp_path, service, existing=Existing.FOREIGN) as (check, _):
        assert await check.run() == []
        names = service.requests[-1]
        assert names.url.params["name"] == "tile-run-*"
        assert -30.0 < epoch_seconds(names.url.params["created_after"]) - time.time() < 0.0


@pytest.mark.parametrize("existing", [Existing.FOREIGN, Existing.ADOPT])
async def test_a_decision_about_runs_that_cannot_be_listed_stops_the_batch(tmp_path: Path, existing: Existing) -> None:
    async with checking(tmp_path, listing(3, complete_after=100), existing=existing) as (check, _):
        stop = await check.run()
        assert isinstance(stop, Stop)
        assert f"--{existing.flag}" in stop.problem.fact


async def test_a_further_run_of_a_submitted_one_is_taken_over_as_its_duplicate(tmp_path: Path) -> None:
    run = next(iter(plan_of(1)))
    events: list[Event] = [
        AttemptEvent(at=AT, key=run.key, n=1, name=run.name),
        SubmittedEvent(at=AT, key=run.key, n=1, run_id="mine", name=run.name),
    ]
    async with checking(tmp_path, listing(1, complete_after=0), events=events, existing=Existing.ADOPT, runs=1) as (
        check,
        _,
    ):
        found = await check.run()
        assert not isinstance(found, Stop)
        await check.apply(found, StopSwitch())
    state = read_state(tmp_path / "tiles.ledger.jsonl")
    assert (state.runs[run.key].run_id, state.duplicates) == ("mine", {run.key: ["r0"]})


async def test_a_late_run_of_a_name_that_is_still_to_be_looked_at_is_no_sign_of_an_older_ledger(tmp_path: Path) -> None:
    """The session before was killed between the response to its second attempt and the last look."""
    run = next(iter(plan_of(1)))
    item = {"id": "late", "name": run.name, "createTime": timestamp(time.time()), "payload": json.loads(run.body)}
    service = Wire(httpx.MockTransport(lambda _: httpx.Response(200, json={"items": [item], "total": 1})))
    events: list[Event] = [
        AttemptEvent(at=AT, key=run.key, n=1, name=run.name),
        UnknownEvent(at=AT, key=run.key, n=1, reason="reset"),
        AbsentEvent(at=AT, key=run.key, n=1),
        AttemptEvent(at=AT, key=run.key, n=2, name=run.name),
        SubmittedEvent(at=AT, key=run.key, n=2, run_id="mine", name=run.name),
    ]
    async with checking(tmp_path, service, events=events, runs=1) as (check, _):
        assert await check.run() == []


async def test_a_lost_rerun_of_an_earlier_payload_is_no_sign_of_an_older_ledger(tmp_path: Path) -> None:
    name = "tile-run-1-r2"
    item = {"id": "r2", "name": name, "createTime": timestamp(time.time()), "payload": {"name": name}}
    service = Wire(httpx.MockTransport(lambda _: httpx.Response(200, json={"items": [item], "total": 1})))
    lost: list[Event] = [AttemptEvent(at=AT, key="of another payload", n=2, name=name, generation=2)]
    async with checking(tmp_path, service, events=lost, runs=1) as (check, _):
        assert await check.run() == []


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({"name": "tile-run-1-r2"}, True),
        ({"name": f"{'tile-run-1'[:5]}-{next(iter(plan_of(1))).key}-r2"}, True),
        ({"name": "tile-run-1-rest"}, False),
        ({"tag": "another-batch/key/1"}, False),
    ],
)
async def test_a_run_that_a_ledger_should_know_is_recognised_by_its_name_and_its_tag(
    tmp_path: Path, changes: dict[str, str], *, is_found: bool
) -> None:
    run = next(iter(plan_of(1)))
    name, payload = changes.get("name", run.name), json.loads(run.body)
    if "tag" in changes:
        payload["environment"] = {"sparkConfigs": {TAG: changes["tag"]}}
    item = {"id": "r0", "name": name, "createTime": timestamp(time.time()), "payload": payload}
    service = Wire(httpx.MockTransport(lambda _: httpx.Response(200, json={"items": [item], "total": 1})))
    sent: list[Event] = [AttemptEvent(at=AT, key="of an earlier plan", n=1, name="tile-run-0")]
    async with checking(tmp_path, service, events=sent, existing=Existing.FOREIGN, runs=1) as (check, _):
        strangers = await check.run()
        assert not isinstance(strangers, Stop)
        assert [listed.id for listed, _ in strangers] == ["r0"] * is_found


@pytest.mark.parametrize(("of_present_plan", "found"), [(True, ["r0"]), (False, [])])
async def test_a_lost_attempt_with_an_earlier_payload_explains_no_run_with_the_present_one(
    tmp_path: Path, *, of_present_plan: bool, found: list[str]
) -> None:
    """A changed setting gives a point another key under its name, and the ledger knows only the earlier one."""
    run = next(iter(plan_of(1)))
    payload = json.loads(run.body) | ({} if of_present_plan else {"timeoutSeconds": 77})
    item = {"id": "r0", "name": run.name, "createTime": timestamp(time.time()), "payload": payload}
    service = Wire(httpx.MockTransport(lambda _: httpx.Response(200, json={"items": [item], "total": 1})))
    lost: list[Event] = [AttemptEvent(at=AT, key="of another payload", n=1, name=run.name)]
    async with checking(tmp_path, service, events=lost, existing=Existing.FOREIGN, runs=1) as (check, _):
        strangers = await check.run()
        assert not isinstance(strangers, Stop)
        assert [listed.id for listed, _ in strangers] == found


async def test_an_odd_run_of_an_explained_name_is_not_created_again_when_runs_are_adopted(tmp_path: Path) -> None:
    """It may be the lost attempt's, or that of the newer ledger whose runs are adopted: a user decides."""
    run = next(iter(plan_of(1)))
    payload = json.loads(run.body) | {"timeoutSeconds": 77}
    item = {"id": "odd", "name": run.name, "createTime": timestamp(time.time()), "payload": payload}
    service = Wire(httpx.MockTransport(lambda _: httpx.Response(200, json={"items": [item], "total": 1})))
    lost: list[Event] = [AttemptEvent(at=AT, key="of another payload", n=1, name=run.name)]
    async with checking(tmp_path, service, events=lost, existing=Existing.ADOPT, runs=1) as (check, _):
        await check.apply(await check.run(), StopSwitch())
    assert read_state(tmp_path / "tiles.ledger.jsonl").outcome(run.key) is Outcome.UNKNOWN
