"""Many names are looked up in one long list where that is cheaper, one by one elsewhere, and no list is believed too much."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from batchrun.engine.listing.name_lists import common_prefix, paced_scanner, read_names
from batchrun.engine.listing.scan import Scanner
from batchrun.errors import ApiError
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from tests.engine.service import URL

NAMES = {f"job-{number}" for number in range(10, 40)}


class Lists:
    """A service that holds the runs of some names; ``bend`` makes it answer something else."""

    def __init__(self, *names: str, bend: Callable[[httpx.Request, dict[str, Any]], Any] | None = None) -> None:
        self.names = sorted(names)
        self.asked: list[str | None] = []
        self._bend = bend

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.params.get("name")
        self.asked.append(name)
        fits = [
            one for one in self.names if name is None or one == name or (name[-1] == "*" and one.startswith(name[:-1]))
        ]
        at = int(request.url.params.get("cursor", "0"))
        items = [{"id": f"id-{one}", "name": one} for one in fits[at : at + 100]]
        cursor = str(at + 100) if at + 100 < len(fits) else None
        page = {"items": items, "total": len(fits), "next_page": cursor}
        answer = self._bend(request, page) if self._bend is not None else None
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=page)

    @asynccontextmanager
    async def scanner(self) -> AsyncIterator[Scanner]:
        async with RunsClient(ApiSettings(api_key="k-lists", base_url=URL), httpx.MockTransport(self)) as client:
            yield paced_scanner(client, 10_000)


async def read(lists: Lists, names: Any = NAMES, **more: Any) -> tuple[list[str], frozenset[str]]:
    seen: list[str] = []
    async with lists.scanner() as scanner:
        doubtful = await read_names(scanner, names, lambda run: seen.append(run.name or ""), **more)
    return sorted(seen), doubtful


async def test_one_list_shows_the_names_and_nothing_else() -> None:
    lists = Lists(*NAMES, "job-of-another-sweep")
    assert await read(lists) == (sorted(NAMES), frozenset())
    assert lists.asked == ["job-*"]


async def test_few_names_among_many_runs_are_listed_one_by_one() -> None:
    lists = Lists(*(f"job-{number}" for number in range(1000)))
    seen, doubtful = await read(lists, {"job-1", "job-2"})
    assert (seen, doubtful) == (["job-1", "job-2"], frozenset())
    assert lists.asked[0] == "job-*"
    assert sorted(map(str, lists.asked[1:])) == ["job-1", "job-2"]


async def test_a_list_that_ends_early_is_made_up_for_by_name() -> None:
    def end_early(request: httpx.Request, page: dict[str, Any]) -> None:
        if str(request.url.params["name"]).endswith("*"):
            del page["items"][5:]
            page["next_page"] = None

    seen, doubtful = await read(Lists(*NAMES, bend=end_early))
    assert set(seen) == NAMES
    assert doubtful == frozenset()


async def test_names_that_are_not_listed_again_stay_doubtful() -> None:
    def end_early(_: httpx.Request, page: dict[str, Any]) -> None:
        page["total"] += 1  # no list is complete

    seen, doubtful = await read(Lists(*NAMES, bend=end_early), again=lambda: {"job-10"})
    assert set(seen) == NAMES
    assert doubtful == NAMES


async def test_a_list_that_grew_by_what_is_known_is_complete() -> None:
    calls: list[int] = []

    def grow(_: httpx.Request, page: dict[str, Any]) -> None:
        calls.append(1)
        page["total"] += len(calls) - 1

    async def two() -> int:
        return 2

    names = {f"job-{number}" for number in range(100, 399)}
    assert (await read(Lists(*names, bend=grow), names, grown=two))[1] == frozenset()
    assert len(calls) == 3


async def test_a_pattern_that_is_not_understood_is_left_out() -> None:
    def refuse(request: httpx.Request, _: dict[str, Any]) -> httpx.Response | None:
        return httpx.Response(422, json={"errors": []}) if "*" in str(request.url.params["name"]) else None

    assert await read(Lists(*NAMES, bend=refuse)) == (sorted(NAMES), frozenset())


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_is_raised_as_it_is(status: int) -> None:
    lists = Lists(bend=lambda *_: httpx.Response(status, json={"errors": [{"code": "NO", "message": "no"}]}))
    with pytest.raises(ApiError) as raised:
        await read(lists)
    assert raised.value.http_status == status


async def test_names_without_a_common_beginning_are_listed_without_a_pattern() -> None:
    lists = Lists("alpha-one", "beta-two")
    seen, _ = await read(lists, {"alpha-one", "beta-two"})
    assert seen == ["alpha-one", "beta-two"]
    assert lists.asked == [None]


async def test_no_names_need_no_call() -> None:
    lists = Lists("job-1")
    assert await read(lists, set()) == ([], frozenset())
    assert lists.asked == []


@pytest.mark.parametrize(
    ("names", "prefix"), [(["abc", "abd"], "ab"), (["abc"], "abc"), (["a", "b"], ""), (["a-1", "a-10"], "a-1")]
)
def test_a_prefix_is_what_all_names_begin_with(names: list[str], prefix: str) -> None:
    assert common_prefix(names) == prefix


async def test_wrong_types_in_a_list_are_an_error_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchrun.engine.listing.scan.TRIES_A_PAGE", 1)  # waiting between tries is not what is tested
    broken = json.dumps({"items": [{"id": 7, "name": ["x"]}], "total": "many", "next_page": 3})
    lists = Lists(bend=lambda *_: httpx.Response(200, content=broken))
    with pytest.raises(ApiError, match="cannot be parsed"):
        await read(lists)


async def test_names_that_may_follow_are_listed_as_long_as_runs_are_found() -> None:
    lists = Lists("job-1", "job-1-2", "job-1-2-2", bend=lambda *_: None)
    lists.names += [f"job-{number}" for number in range(1000, 2000)]  # one list would be longer than three names
    seen, doubtful = await read(lists, ["job-1", "job-2"], next_name=lambda name: f"{name}-2")
    assert (seen, doubtful) == (["job-1", "job-1-2", "job-1-2-2"], frozenset())
    assert sorted(map(str, lists.asked[1:])) == ["job-1", "job-1-2", "job-1-2-2", "job-1-2-2-2", "job-2", "job-2-2"]


async def test_further_names_may_be_wanted_of_one_list() -> None:
    lists = Lists(*NAMES, "job-10-r2", "job-of-another-sweep")
    seen, _ = await read(lists, wanted=NAMES | {"job-10-r2"})
    assert "job-10-r2" in seen
    assert "job-of-another-sweep" not in seen
