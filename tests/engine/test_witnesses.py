"""Runs of this batch that exist: a list that does not show them proves no absence."""

from typing import Any

import pytest

from batchrun.engine.sending.witnesses import MOST, MOST_PAGES, Witnesses, earlier_witnesses
from batchrun.ledger.fold import BatchState, RunState
from batchrun.ledger.statuses import GONE
from batchrun.wherobots.clock import ServerClock
from batchrun.wherobots.summaries import RunSummary
from tests.engine.service import plan_of


class Lists:
    """A scanner of a service that has some runs, and lists some: names by id."""

    def __init__(self, listed: dict[str, str], *, hidden: tuple[str, ...] = (), is_whole: bool = True) -> None:
        self.listed = listed
        self.existing = {*listed, *hidden}
        self.is_whole = is_whole
        self.read: list[str] = []
        self.clock = ServerClock()

    async def named(self, name: str, created_after: float, *, most_pages: int) -> tuple[list[RunSummary], bool]:
        assert (created_after, most_pages) == (0.0, MOST_PAGES)  # of any time
        self.read.append(name)
        return [RunSummary(id=run_id, name=known) for run_id, known in self.listed.items()], self.is_whole

    async def run(self, run_id: str) -> RunSummary | None:
        return RunSummary(id=run_id) if run_id in self.existing else None


def witnesses(*latest: str, earlier: tuple[str, ...] = (), region: str = "eu") -> Witnesses:
    """Runs whose names are their ids in upper case."""
    made = Witnesses()
    for run_id in latest:
        made.add(run_id, run_id.upper(), region)
    made.find_earlier(lambda: {region: [(run_id, run_id.upper()) for run_id in earlier]})
    return made


async def are_listed(made: Witnesses, lists: Any, *, region: str | None = "eu", is_earlier: bool = False) -> bool:
    return await made.are_listed(lists, region, is_earlier=is_earlier)


async def test_a_list_that_shows_one_can_be_believed_and_is_not_read_again() -> None:
    made, lists = witnesses("r1"), Lists({"r1": "R1"})
    assert [await are_listed(made, lists) for _ in range(2)] == [True, True]
    assert lists.read == ["R1"]


@pytest.mark.parametrize("listed", [{}, {"r1": "another name"}, {"r2": "R1"}])
async def test_a_list_that_hides_one_or_shows_it_under_another_name_cannot(listed: dict[str, str]) -> None:
    assert not await are_listed(witnesses("r1"), Lists(listed, hidden=("r1",)))


async def test_one_that_was_deleted_proves_nothing_and_the_next_is_tried() -> None:
    lists = Lists({}, hidden=("r2",))
    assert not await are_listed(witnesses("r1", "r2"), lists)
    assert lists.read == ["R1", "R2"]
    assert await are_listed(witnesses("r1"), Lists({}))


async def test_nor_does_one_that_may_be_on_a_page_that_was_not_read() -> None:
    assert await are_listed(witnesses("r1"), Lists({}, hidden=("r1",), is_whole=False))


async def test_without_any_there_is_nothing_to_try_with() -> None:
    lists = Lists({})
    assert await are_listed(Witnesses(), lists)
    assert await are_listed(witnesses("r1", region="us"), lists)
    assert lists.read == []


async def test_of_an_unknown_region_any_will_do() -> None:
    assert not await are_listed(witnesses("r1", region="us"), Lists({}, hidden=("r1",)), region=None)


@pytest.mark.parametrize(("is_earlier", "read"), [(True, ["OLD"]), (False, ["NEW"])])
async def test_it_is_of_the_same_age_if_there_is_one(is_earlier: bool, read: list[str]) -> None:
    lists = Lists({"old": "OLD", "new": "NEW"})
    assert await are_listed(witnesses("new", earlier=("old",)), lists, is_earlier=is_earlier)
    assert lists.read == read
    assert await are_listed(witnesses("new"), lists, is_earlier=True)
    assert await are_listed(witnesses(earlier=("old",)), lists, is_earlier=False)


async def test_only_the_first_few_of_a_session_are_kept() -> None:
    lists = Lists({})
    await are_listed(witnesses(*(f"r{number}" for number in range(MOST + 2))), lists)
    assert lists.read == [f"R{number}" for number in range(MOST)]


def test_those_of_earlier_sessions_are_the_last_of_the_plan_that_still_exist_under_their_planned_name() -> None:
    plan, state = plan_of(8), BatchState()
    for number, run in enumerate(plan):
        state.runs[run.key] = RunState(run_id=f"r{number}")
    rerun, gone, lost = (state.runs[run.key] for run in list(plan)[5:])
    rerun.begin_generation(2, {})
    rerun.run_id, gone.status, lost.run_id = "again", GONE, None
    runs = list(plan)
    found = [(*one, region) for region, runs in earlier_witnesses(plan, state).items() for one in runs]
    assert found == [(f"r{number}", runs[number].name, runs[number].region) for number in (2, 3, 4)]
    assert [*earlier_witnesses(None, state)] == []
