"""Lists that misbehave: they end early, repeat themselves, lag, fail, or come in another order."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from batchrun.emulator.faults.lists import next_page_of

Service = Callable[..., httpx.AsyncClient]


async def create(client: httpx.AsyncClient, payload: dict[str, Any], count: int) -> None:
    for number in range(count):
        body = {**payload, "name": f"listed-{number:03}"}
        assert (await client.post("/runs", params={"region": "r"}, json=body)).status_code == 201


async def scan(client: httpx.AsyncClient, size: int, most: int = 50) -> tuple[list[int], int]:
    """The numbers of all runs that paging shows, in order, and the last total; at most ``most`` pages."""
    seen: list[int] = []
    query: dict[str, Any] = {"size": size}
    for _ in range(most):
        page = (await client.get("/runs", params=query)).json()
        seen += [int(run["name"][-3:]) for run in page["items"]]
        if page["next_page"] is None:
            break
        query["cursor"] = page["next_page"]
    return seen, page["total"]


@pytest.mark.parametrize(("order", "expected"), [("newest", [6, 5, 4, 3, 2, 1, 0]), ("oldest", [0, 1, 2, 3, 4, 5, 6])])
async def test_the_order_is_a_setting(
    service: Service, payload: dict[str, Any], order: str, expected: list[int]
) -> None:
    client = service(list_order=order)
    await create(client, payload, 7)
    assert await scan(client, 3) == (expected, 7)


async def test_a_random_order_shows_every_run_once_and_depends_on_the_seed(
    service: Service, payload: dict[str, Any]
) -> None:
    orders = []
    for seed in (1, 1, 2):
        client = service(list_order="random", seed=seed)
        await create(client, payload, 12)
        orders.append((await scan(client, 5))[0])
    assert sorted(orders[0]) == sorted(orders[2]) == list(range(12))
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] not in (sorted(orders[0]), sorted(orders[0], reverse=True))


async def test_a_page_of_a_random_order_can_be_followed_back(service: Service, payload: dict[str, Any]) -> None:
    client = service(list_order="random")
    await create(client, payload, 7)
    first = (await client.get("/runs", params={"size": 3})).json()
    second = (await client.get("/runs", params={"size": 3, "cursor": first["next_page"]})).json()
    back = (await client.get("/runs", params={"size": 3, "cursor": second["previous_page"]})).json()
    again = (await client.get("/runs", params={"size": 3, "cursor": second["current_page_backwards"]})).json()
    assert (back["items"], again["items"]) == (first["items"], second["items"])


@pytest.mark.parametrize(("limit", "size", "shown"), [(4, 3, 4), (4, 2, 4), (4, 100, 4), (9, 3, 7)])
async def test_a_list_can_end_before_its_total(
    service: Service, payload: dict[str, Any], limit: int, size: int, shown: int
) -> None:
    client = service(list_max_items=limit)
    await create(client, payload, 7)
    assert await scan(client, size) == ([6, 5, 4, 3, 2, 1, 0][:shown], 7)


async def test_a_scheduled_page_ends_the_list_early(service: Service, payload: dict[str, Any]) -> None:
    client = service(faults={"list_ends_early": "1@2-2"})
    await create(client, payload, 7)
    assert await scan(client, 2) == ([6, 5, 4, 3], 7)
    assert await scan(client, 2) == ([6, 5, 4, 3, 2, 1, 0], 7)


async def test_a_list_can_repeat_its_cursor_for_ever(service: Service, payload: dict[str, Any]) -> None:
    client = service(faults={"list_repeats": 1})
    await create(client, payload, 3)
    assert await scan(client, 2, most=4) == ([2, 1] * 4, 3)
    client = service(faults={"list_repeats": "1@2-"})
    await create(client, payload, 5)
    assert (await scan(client, 2, most=4))[0] == [4, 3, 2, 1, 2, 1, 2, 1]


@pytest.mark.parametrize(("fault", "expected"), [(None, "n"), ("list_repeats", "c"), ("list_ends_early", None)])
def test_a_fault_changes_where_a_page_leads(fault: str | None, expected: str | None) -> None:
    assert next_page_of(fault, current_page="c", next_page="n") == expected


async def test_list_calls_fail_by_share_and_creations_keep_their_numbers(
    service: Service, payload: dict[str, Any]
) -> None:
    client = service(faults={"list_error": 0.3, "conflict": "1@2-2"}, error_statuses=[500, 502])
    statuses = [(await client.get("/runs")).status_code for _ in range(200)]
    assert set(statuses) == {200, 500, 502}
    assert 40 <= 200 - statuses.count(200) <= 80
    created = [(await client.post("/runs", params={"region": "r"}, json=payload)).status_code for _ in range(3)]
    assert created == [201, 409, 201]
    stats = (await client.get("/_emulator/stats")).json()
    assert stats["faults"] == {"list_error": 200 - statuses.count(200), "conflict": 1}


async def test_only_the_list_can_have_a_wrong_path(service: Service, payload: dict[str, Any]) -> None:
    client = service(faults={"list_not_found": 1})
    run = (await client.post("/runs", params={"region": "r"}, json=payload)).json()
    answer = await client.get("/runs")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert (await client.get(f"/runs/{run['id']}")).status_code == 200


async def test_a_run_can_be_fetched_before_it_is_listed(service: Service, payload: dict[str, Any]) -> None:
    client = service(list_lag_s=0.2)
    run = (await client.post("/runs", params={"region": "r"}, json=payload)).json()
    assert (await client.get("/runs")).json()["total"] == 0
    assert (await client.get(f"/runs/{run['id']}")).status_code == 200
    await asyncio.sleep(0.25)
    assert [one["id"] for one in (await client.get("/runs")).json()["items"]] == [run["id"]]
    assert json.loads((await client.get("/_emulator/runs")).text)["id"] == run["id"]
