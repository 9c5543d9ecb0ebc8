"""Whose key is it? By the organization's id, by a run that it can read, and when nothing can tell."""

from typing import Any

import anyio.lowlevel
import httpx
import pytest

from batchrun.engine.listing.organization import CheckedOrganization, check_organization
from batchrun.engine.listing.scan import Scanner
from batchrun.errors import ApiError, LedgerMismatchError
from batchrun.ledger.events import AttemptEvent, Event, SessionEvent, SubmittedEvent
from batchrun.ledger.fold import BatchState, fold
from batchrun.ledger.statuses import GONE
from tests.engine.parts import Wire, client_of
from tests.engine.service import plan_of
from tests.engine.virtual_time import VirtualClock
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

RUNS = list(plan_of(3))


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


def state_of(*, organization: str | None = None, submitted: int = 0, lost: int = 0) -> BatchState:
    """The first runs are submitted as r0, r1, …; those after them were sent and not answered."""
    events: list[Event] = [batch(3)]
    events.append(SessionEvent(at=AT, action="start", pid=1, host="h", organization=organization))
    for n, run in enumerate(RUNS[: submitted + lost]):
        events.append(AttemptEvent(at=AT, key=run.key, n=1, name=run.name))
        if n < submitted:
            events.append(SubmittedEvent(at=AT, key=run.key, n=1, run_id=f"r{n}", name=run.name))
    state = BatchState()
    for event in events:
        fold(state, event)
    return state


def service(organization: int | str, *, runs: int = 404, listed: tuple[str, ...] = ()) -> Wire:
    """What it answers: an id or an error; the status of single runs; the names of its runs."""

    def respond(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/organization":
            if isinstance(organization, int):
                return httpx.Response(organization, json={"errors": [{"code": "X"}]})
            return httpx.Response(200, json={"id": organization})
        if path == "/runs":
            items = [{"id": f"l{n}", "name": name, "createTime": AT} for n, name in enumerate(listed)]
            return httpx.Response(200, json={"items": items, "total": len(items)})
        return httpx.Response(runs, json={"id": path.removeprefix("/runs/"), "name": "x"})

    return Wire(httpx.MockTransport(respond))


async def checked(state: BatchState, wire: Wire) -> CheckedOrganization:
    async with client_of(wire) as client:
        return await check_organization(state, Scanner(client, anyio.lowlevel.checkpoint), "ledger")


@pytest.mark.parametrize(
    ("state", "wire", "organization", "is_proven"),
    [
        (state_of(), service("acme"), "acme", False),
        (state_of(), service(403), None, False),
        (state_of(organization="acme", lost=1), service("acme"), "acme", True),
        (state_of(submitted=2), service("acme", runs=200), "acme", True),
        (state_of(submitted=2), service(403, runs=200), None, True),
        (state_of(submitted=2), service(403, runs=405), None, False),
    ],
    ids=["new", "new, hidden", "its id", "a run", "a run, hidden", "nothing offered"],
)
async def test_an_id_or_a_run_proves_the_organization(
    state: BatchState, wire: Wire, organization: str | None, is_proven: bool
) -> None:
    assert await checked(state, wire) == CheckedOrganization(organization=organization, is_proven=is_proven)


@pytest.mark.parametrize(("status", "error"), [(403, LedgerMismatchError), (500, ApiError)])
async def test_a_batch_without_runs_that_knows_its_organization_needs_the_keys(
    status: int, error: type[Exception]
) -> None:
    """Else its first runs could be created in one organization, and be looked for in the other."""
    with pytest.raises(error):
        await checked(state_of(organization="acme"), service(status))


async def test_an_organization_is_not_taken_for_the_batchs_while_only_lost_attempts_could_tell() -> None:
    """Else the next session, with the right key, would be refused, and this one's would be believed."""
    found = await checked(state_of(lost=2), service("globex"))
    assert found == CheckedOrganization(organization=None, is_proven=False)


@pytest.mark.parametrize("wire", [service("globex"), service(403), service(403, listed=(RUNS[0].name,))])
async def test_another_organizations_key_is_refused(wire: Wire) -> None:
    with pytest.raises(LedgerMismatchError):
        await checked(state_of(organization="initech", submitted=2), wire)


@pytest.mark.parametrize("state", [state_of(submitted=1), state_of(organization="acme", lost=1)])
async def test_a_service_that_cannot_tell_now_is_asked_again_and_then_stops_the_batch(state: BatchState) -> None:
    wire = service(500, runs=500)
    with pytest.raises(ApiError):
        await checked(state, wire)
    assert sum(request.url.path == "/organization" for request in wire.requests) == 5


async def test_runs_that_the_service_is_known_to_have_forgotten_say_nothing_about_the_key() -> None:
    state = state_of(submitted=2)
    for run in state.runs.values():
        run.status = GONE
    assert await checked(state, service(403)) == CheckedOrganization(organization=None, is_proven=False)
