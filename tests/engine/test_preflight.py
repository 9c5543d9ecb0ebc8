"""What is asked before the first POST, in each of its answers."""

import time
from collections.abc import Iterable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchrun.engine.batch import new_batch
from batchrun.engine.preflight import Preflight, check_ledger, check_plan, check_service
from batchrun.engine.stopping import Stop, StopReason
from batchrun.errors import LedgerMismatchError, UsageError
from batchrun.ledger.events import AttemptEvent, FailedEvent, RejectedEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, Outcome, fold
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from tests.engine.parts import Wire, client_of, emulator
from tests.engine.service import SWEEP, plan_of
from tests.engine.virtual_time import VirtualClock
from tests.ledger.test_fold import AT

HERE, ELSEWHERE = "https://api.example.com", "https://other.example.com"
LEDGER = Path("tiles.ledger.jsonl")
RETRY = frozenset({Outcome.REJECTED, Outcome.FAILED})


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def state_of(plan: Plan, **outcomes: Iterable[int]) -> BatchState:
    """A batch begun with ``plan``; ``outcomes`` says which of its runs, by index, ended how."""
    state = fold(BatchState(), new_batch(plan, HERE))
    keys = [run.key for run in plan]
    for outcome, indexes in outcomes.items():
        for key in (keys[index] for index in indexes):
            fold(state, AttemptEvent(at=AT, key=key, n=1))
            if outcome == "submitted":
                fold(state, SubmittedEvent(at=AT, key=key, n=1, run_id=f"id-{key}", name=key))
            elif outcome == "rejected":
                fold(state, RejectedEvent(at=AT, key=key, n=1, name=key))
            elif outcome == "failed":
                fold(state, FailedEvent(at=AT, key=key, n=1, name=key))
    return state


def checked(plan: Plan, state: BatchState, *, service: str = HERE, **allowed: Any) -> Preflight:
    return check_ledger(plan, state, LEDGER, service=service, environ={}, **allowed)


def counts(preflight: Preflight) -> dict[str, int]:
    return {outcome.value: n for outcome, n in preflight.outcomes.items() if n}


def test_a_new_ledger_has_everything_before_it() -> None:
    found = checked(plan_of(5), BatchState())
    assert (found.is_new, found.target_changed, found.is_finished) == (True, False, False)
    assert (counts(found), found.to_send, found.to_settle) == ({"pending": 5}, 5, 0)


def test_a_batch_that_was_cut_off_continues_where_it_was() -> None:
    plan = plan_of(10)
    found = checked(plan, state_of(plan, submitted=[0, 1, 2], rejected=[3], failed=[4], unknown=[5, 6]))
    assert counts(found) == {"pending": 3, "submitted": 3, "rejected": 1, "failed": 1, "unknown": 2}
    assert (found.is_new, found.target_changed, found.is_finished) == (False, False, False)
    assert (found.to_send, found.to_settle) == (3, 2)


def test_runs_that_are_asked_for_again_are_to_be_sent() -> None:
    plan = plan_of(4)
    state = state_of(plan, submitted=[0, 1], rejected=[2], failed=[3])
    assert checked(plan, state).is_finished
    again = checked(plan, state, retry=RETRY)
    assert (again.to_send, again.is_finished) == (2, False)
    assert checked(plan, state, retry=frozenset({Outcome.FAILED})).to_send == 1


def test_unknown_runs_alone_are_something_left_to_do() -> None:
    plan = plan_of(2)
    found = checked(plan, state_of(plan, submitted=[0], unknown=[1]))
    assert (found.to_send, found.to_settle, found.is_finished) == (0, 1, False)


def test_another_service_needs_permission() -> None:
    plan = plan_of(2)
    state = state_of(plan, submitted=[0])
    with pytest.raises(LedgerMismatchError, match=f"submitted to {HERE}, not to {ELSEWHERE}"):
        checked(plan, state, service=ELSEWHERE)
    with pytest.raises(LedgerMismatchError, match="--to-another-server"):
        checked(plan, state, service=ELSEWHERE, extend=True)
    found = checked(plan, state, service=ELSEWHERE, to_another_server=True)
    assert (found.target_changed, found.to_send) == (True, 1)


def test_permission_that_is_not_needed_changes_nothing() -> None:
    plan = plan_of(2)
    state = state_of(plan, submitted=[0])
    assert checked(plan, state, extend=True, to_another_server=True) == checked(plan, state)


def test_another_plan_needs_permission_and_the_difference_is_shown() -> None:
    state = state_of(plan_of(3), submitted=[0, 1, 2])
    with pytest.raises(LedgerMismatchError) as refused:
        checked(plan_of(5), state)
    (problem,) = refused.value.problems
    assert problem.place == str(LEDGER)
    assert "2 new, 0 removed, 3 already submitted" in problem.fact
    assert "--extend" in problem.fix
    with pytest.raises(LedgerMismatchError, match="--extend"):
        checked(plan_of(5), state, to_another_server=True)


def test_an_extended_batch_has_the_new_runs_to_send() -> None:
    found = checked(plan_of(5), state_of(plan_of(3), submitted=[0, 1, 2]), extend=True)
    assert (counts(found), found.to_send, found.target_changed) == ({"submitted": 3, "pending": 2}, 2, True)


def test_removed_runs_are_no_longer_counted() -> None:
    state = state_of(plan_of(6), submitted=[0, 5], rejected=[1, 4], failed=[3])
    found = checked(plan_of(3), state, extend=True, retry=RETRY)
    assert counts(found) == {"submitted": 1, "rejected": 1, "pending": 1}
    assert sum(found.outcomes.values()) == 3
    assert found.to_send == 2


def test_a_removed_run_that_may_exist_is_settled_first_whatever_is_allowed() -> None:
    state = state_of(plan_of(4), submitted=[0], unknown=[3])
    with pytest.raises(LedgerMismatchError, match=f"settle them first: batchrun resume {LEDGER}"):
        checked(plan_of(3), state, extend=True)
    found = checked(plan_of(5), state, extend=True)
    assert found.to_settle == 1


def test_another_environment_value_is_another_batch() -> None:
    text = SWEEP.replace("LAST", "2").replace('"--tile", ', '"--bucket", "{{env.BUCKET}}", ')

    def plan(bucket: str) -> Plan:
        environ = {"BUCKET": bucket}
        return build_plan(Manifest.parse(text, name="tiles", directory=".", environ=environ), environ=environ)

    state = state_of(plan("a"), submitted=[0])
    with pytest.raises(LedgerMismatchError, match=r"changed: env\.BUCKET"):
        checked(plan("b"), state)
    found = checked(plan("b"), state, extend=True)
    assert (found.target_changed, found.to_send) == (True, 1)


def test_what_it_found_is_said_in_one_sentence() -> None:
    plan = plan_of(2000, extra="[submit]\nmax_points = 2000\n")
    state = state_of(plan, submitted=[0, 1], unknown=[2])
    assert checked(plan, state).describe() == (
        "1,997 pending, 2 submitted, 1 unknown; 1,997 to send, 1 to find out about"
    )
    assert checked(plan_of(1), state_of(plan_of(1), submitted=[0])).describe() == "1 submitted"


def test_a_plan_with_placeholders_left_is_refused() -> None:
    text = SWEEP.replace("LAST", "2").replace('"--tile", ', '"--bucket", "{{env.BUCKET}}", ')
    manifest = Manifest.parse(text, name="tiles", directory=".", environ={"BUCKET": "b"})
    with pytest.raises(UsageError, match=r"\{\{env\.BUCKET\}\}"):
        check_plan(build_plan(manifest))
    check_plan(build_plan(manifest, environ={"BUCKET": "b"}))
    check_plan(plan_of(1))


def responding(*statuses: int, **headers: str) -> Wire:
    """A service that gives these statuses in turn, the last of them for ever."""
    left = list(statuses)

    def respond(request: httpx.Request) -> httpx.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        body: dict[str, Any] = {"items": [], "total": 0} if status == 200 else {"errors": [{"message": "no"}]}
        return httpx.Response(status, json=body, headers=headers, request=request)

    return Wire(httpx.MockTransport(respond))


def unreachable(times: int) -> Wire:
    """A service that does not respond at first."""
    left = [1] * times

    def respond(request: httpx.Request) -> httpx.Response:
        if left:
            left.pop()
            raise httpx.ConnectError("All connection attempts failed", request=request)
        return httpx.Response(200, json={"items": [], "total": 0}, request=request)

    return Wire(httpx.MockTransport(respond))


async def asked(service: Wire) -> Stop | None:
    async with client_of(service, knows_clock=False) as client:
        return await check_service(client)


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
    status: int, reason: StopReason
) -> None:
    service = responding(status)
    stop = await asked(service)
    assert stop is not None
    assert stop.reason is reason
    assert len(service.requests) == 1


async def test_a_service_that_answers_lets_the_batch_start() -> None:
    service = emulator()
    assert await asked(service) is None
    (request,) = service.requests
    assert (request.method, request.url.path, request.url.params["size"]) == ("GET", "/runs", "1")


async def test_the_first_answer_shows_the_services_clock() -> None:
    async with client_of(responding(200, Date=formatdate(time.time() + 600, usegmt=True)), knows_clock=False) as client:
        assert await check_service(client) is None
        assert client.clock.offset_s == pytest.approx(600.0, abs=1.0)


async def test_a_service_that_never_responds_stops_the_batch_after_a_few_tries(clock: VirtualClock) -> None:
    service, began_s = unreachable(100), clock.now_s
    stop = await asked(service)
    assert stop is not None
    assert stop.reason is StopReason.UNREACHABLE
    assert "All connection attempts failed" in stop.problem.fact
    assert len(service.requests) > 1
    assert clock.now_s - began_s < 30.0


async def test_a_service_that_is_just_starting_is_given_a_moment(clock: VirtualClock) -> None:
    began_s = clock.now_s
    assert await asked(unreachable(2)) is None
    assert clock.now_s - began_s >= 1.0


async def test_a_key_that_is_refused_once_the_service_responds_still_stops_the_batch() -> None:
    left = [1]

    def respond(request: httpx.Request) -> httpx.Response:
        if left:
            left.pop()
            raise httpx.ConnectError("not yet", request=request)
        return httpx.Response(401, json={}, request=request)

    stop = await asked(Wire(httpx.MockTransport(respond)))
    assert stop is not None
    assert stop.reason is StopReason.UNAUTHORIZED
