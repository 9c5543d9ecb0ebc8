"""What read-only calls reveal about a service, asked of an emulator in this process."""

import json
from typing import Any

import httpx
import pytest

from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.doctor.probe import probe
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from tests.engine.service import URL, open_client

BODY = {"runtime": "tiny", "runPython": {"uri": "s3://acme/jobs/tile.py"}, "timeoutSeconds": 3600}
NAMES = ("tile-first", "tile-second")


async def answers(names: tuple[str, ...] = NAMES, **settings: Any) -> dict[str, str]:
    async with open_client(EmulatorSettings(**{"startup_s": 0, "run_s": 0} | settings)) as client:
        for name in names:
            await client.create("aws-us-west-2", json.dumps(BODY | {"name": name}).encode())
        return {found.question: found.answer async for found in probe(client)}


async def test_a_service_that_does_all_of_it() -> None:
    found = await answers()
    assert found["size=0 returns only the total"] == "yes (0 items)"
    assert found["PREFIX* matches"] == "yes"
    assert found["a status filter is applied"] == "yes"
    assert found["a page has as many runs as requested"] == "yes"
    assert found["GET /runs/{id}/metrics of an ended run"] == "readable"
    assert found["POST /usage/costs"] == "readable"
    assert found["offset of the clocks"] in {"0 s", "-1 s", "1 s"}


@pytest.mark.parametrize(("order", "answer"), [("newest", "newest first"), ("oldest", "oldest first")])
async def test_the_order_is_that_of_the_creation_times(order: str, answer: str) -> None:
    assert (await answers(list_order=order))["order of the list"] == answer


async def test_one_run_has_no_order() -> None:
    assert (await answers(NAMES[:1]))["order of the list"] == "needs at least two runs"


@pytest.mark.parametrize(("match", "answer"), [("substring", "yes"), ("exact", "no")])
async def test_a_part_of_a_name_tells_how_names_match(match: str, answer: str) -> None:
    assert (await answers(list_name_match=match))["a bare name matches by substring"] == answer


async def test_without_runs_only_what_needs_none_is_asked() -> None:
    found = await answers(())
    assert "PREFIX* matches" not in found
    assert not any("of an ended run" in question for question in found)
    assert found["a status filter is applied"] == "no completed run to test this with"
    assert found["GET /organization"] == "readable"


async def test_a_run_that_has_not_ended_is_left_alone() -> None:
    assert not any("of an ended run" in question for question in await answers(run_s=3600))


async def test_a_refused_call_is_an_answer_too() -> None:
    found = await answers(refused_calls={"metrics": 403, "costs": 501, "organization": 404})
    assert found["GET /runs/{id}/metrics of an ended run"].startswith("refused: HTTP 403")
    assert found["POST /usage/costs"].startswith("refused: HTTP 501")
    assert found["GET /organization"].startswith("refused: HTTP 404")
    assert found["GET /runs/{id}/logs of an ended run"] == "readable"


async def test_where_lists_are_refused_nothing_else_is_asked() -> None:
    found = await answers(refused_calls={"list": 403})
    assert list(found) == ["list runs"]
    assert found["list runs"].startswith("refused: HTTP 403")


async def test_a_code_that_is_no_code_of_the_api_is_not_shown() -> None:
    """What a proxy calls a code may be a name or an id."""

    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"errors": [{"code": "tile-first", "message": "no"}]}, request=request)

    settings = ApiSettings(api_key="k-engine", base_url=URL)
    async with RunsClient(settings, httpx.MockTransport(refuse)) as client:
        (found,) = [found async for found in probe(client)]
    assert found.answer == "refused: HTTP 400"


async def test_nothing_that_it_says_names_a_run() -> None:
    found = await answers()
    assert not any(name in f"{question} {answer}" for question, answer in found.items() for name in NAMES)
