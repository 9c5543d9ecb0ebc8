"""Whose key is it, before runs are followed or cancelled? Proven, unknown, or another organization's."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio.lowlevel
import pytest

from batchrun.errors import ApiError, LedgerMismatchError, Trouble
from batchrun.ledger.fold import BatchState, RunState
from batchrun.ledger.statuses import GONE
from batchrun.tracking import reading
from batchrun.tracking.access import check_organization, latest_ids
from batchrun.tracking.reading import Reader


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BACKOFF_S", 0.0)


def state_of(*ids: str | None, organization: str | None = None, gone: tuple[str, ...] = ()) -> BatchState:
    state = BatchState()
    state.organization = organization
    for number, run_id in enumerate(ids):
        run = state.runs[f"key-{number}"] = RunState()
        run.run_id, run.status = run_id, GONE if run_id in gone else "RUNNING"
    return state


class Client:
    """Its organization, and its runs: an id, or the status and the code that a question for one gets."""

    def __init__(self, organization: str | int, **runs: tuple[int, str | None]) -> None:
        self.organization = organization
        self.runs = runs
        self.asked: list[str] = []

    async def organization_id(self) -> str:
        if isinstance(self.organization, int):
            raise ApiError("GET /organization", "refused", trouble=Trouble(status=self.organization))
        return self.organization

    async def find(self, run_id: str) -> SimpleNamespace:
        self.asked += [run_id] if run_id not in self.asked else []
        status, code = self.runs.get(run_id, (404, "NOT_FOUND"))
        if status != 200:
            raise ApiError("GET /runs/{id}", "refused", trouble=Trouble(status=status, code=code))
        return SimpleNamespace(id=run_id)


async def is_proven(client: Client, state: BatchState) -> bool:
    service: Any = client
    return await check_organization(service, Reader(anyio.lowlevel.checkpoint), state, Path("x.ledger.jsonl"))


async def test_an_organization_that_is_the_batchs_is_proof_enough() -> None:
    client = Client("acme")
    assert await is_proven(client, state_of("r1", organization="acme"))
    assert client.asked == []


async def test_another_organization_is_refused_whatever_its_runs() -> None:
    with pytest.raises(LedgerMismatchError, match="belongs to organization other, the batch to acme"):
        await is_proven(Client("other", r1=(200, None)), state_of("r1", organization="acme"))


@pytest.mark.parametrize("organization", ["acme", 404, 403, 500])
async def test_where_the_two_cannot_be_compared_a_run_that_can_be_read_is_proof(organization: str | int) -> None:
    known = None if organization == "acme" else "acme"
    client = Client(organization, r1=(200, None))
    assert await is_proven(client, state_of("r1", "r2", organization=known))
    assert client.asked == ["r2", "r1"]


async def test_a_key_that_knows_none_of_the_latest_runs_is_anothers() -> None:
    client = Client(404, r1=(200, None))
    with pytest.raises(LedgerMismatchError, match="knows none of r4, r3, r2"):
        await is_proven(client, state_of("r1", "r2", "r3", "r4"))


@pytest.mark.parametrize("answer", [(404, None), (403, "FORBIDDEN"), (500, None)])
async def test_a_call_that_is_not_there_or_fails_proves_nothing(answer: tuple[int, str | None]) -> None:
    client = Client(404, r1=answer)
    assert not await is_proven(client, state_of("r1"))


async def test_without_a_run_nothing_is_proven() -> None:
    assert not await is_proven(Client(404), state_of())


def test_the_runs_to_ask_for_are_the_latest_that_exist_as_far_as_is_known() -> None:
    assert latest_ids(state_of("r1", "r2", "r3", None, "r4", "r5", gone=("r4",))) == ["r5", "r3", "r2"]
