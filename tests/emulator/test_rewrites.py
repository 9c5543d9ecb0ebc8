"""Payloads that come back different from what was sent."""

import json
from collections.abc import Callable
from itertools import permutations
from typing import Any, get_args

import httpx
import pytest

from batchrun.emulator.http.payloads import answered_payload, read_payload
from batchrun.emulator.runs.rewrites import rewritten_payload
from batchrun.emulator.settings import EmulatorSettings, PayloadRewrite
from batchrun.wherobots.identity import is_same_payload
from batchrun.wherobots.payload import CreateRunPayload

Service = Callable[..., httpx.AsyncClient]
BODY = {
    "runtime": "tiny",
    "name": "rewritten-run",
    "runPython": {"uri": "s3://bucket/job.py", "args": ["--token", "b", "a"]},
    "environment": {"dependencies": [{"libraryName": "h3"}, {"filePath": "s3://bucket/a.whl"}]},
}


def stored() -> bytes:
    payload = read_payload(json.dumps(BODY).encode())
    assert isinstance(payload, CreateRunPayload)
    return answered_payload(payload, "tiny")


def rewritten(*rewrites: PayloadRewrite, number: int = 1, **settings: Any) -> dict[str, Any]:
    wanted = EmulatorSettings(payload_rewrites=rewrites, **settings)
    payload: dict[str, Any] = json.loads(rewritten_payload(stored(), number, wanted))
    return payload


def test_without_rewrites_the_payload_is_returned_as_stored() -> None:
    assert rewritten_payload(stored(), 1, EmulatorSettings()) == stored()


def test_one_argument_is_masked_the_same_one_each_time() -> None:
    arguments = [rewritten("mask_argument", number=number)["runPython"]["args"] for number in range(1, 30)]
    assert arguments == [rewritten("mask_argument", number=number)["runPython"]["args"] for number in range(1, 30)]
    assert all(one.count("****") == 1 for one in arguments)
    assert {one.index("****") for one in arguments} == {0, 1, 2}


def test_lists_are_sorted() -> None:
    payload = rewritten("sort_lists")
    assert payload["runPython"]["args"] == ["--token", "a", "b"]
    assert [one["sourceType"] for one in payload["environment"]["dependencies"]] == ["FILE", "PYPI"]


def test_the_runtime_is_upper_case_and_several_rewrites_combine() -> None:
    payload = rewritten("uppercase_runtime", "sort_lists")
    assert payload["runtime"] == "TINY"
    assert payload["runPython"]["args"] == ["--token", "a", "b"]


def test_empty_values_can_be_left_out_without_changing_the_payload() -> None:
    payload = rewritten("drop_empty")
    assert "runJar" not in payload
    assert "sparkConfigs" not in payload["environment"]
    assert is_same_payload(json.dumps(BODY).encode(), payload)


@pytest.mark.parametrize("rewrite", ["mask_argument", "sort_lists", "uppercase_runtime"])
def test_other_rewrites_make_it_another_payload(rewrite: PayloadRewrite) -> None:
    assert not is_same_payload(json.dumps(BODY).encode(), rewritten(rewrite))


def test_a_share_of_runs_is_rewritten() -> None:
    runtimes = [
        rewritten("uppercase_runtime", number=number, payload_rewrite_rate=0.3)["runtime"] for number in range(200)
    ]
    assert 40 <= runtimes.count("TINY") <= 80


def test_a_payload_without_a_script_is_rewritten_too() -> None:
    bare = b'{"runtime":"tiny","runPython":null,"runJar":null,"environment":{"dependencies":[]}}'
    settings = EmulatorSettings(payload_rewrites=("mask_argument", "sort_lists", "uppercase_runtime", "drop_empty"))
    assert json.loads(rewritten_payload(bare, 1, settings)) == {"runtime": "TINY"}


async def test_lists_and_lookups_show_the_rewritten_payload_creating_and_the_audit_the_sent_one(
    service: Service,
) -> None:
    client = service(payload_rewrites=["uppercase_runtime"])
    run = (await client.post("/runs", params={"region": "r"}, json=BODY)).json()
    found = (await client.get(f"/runs/{run['id']}")).json()
    listed = (await client.get("/runs")).json()["items"][0]
    cancelled = (await client.post(f"/runs/{run['id']}/cancel")).json()
    audited = json.loads((await client.get("/_emulator/runs")).text)
    assert [one["payload"]["runtime"] for one in (run, found, listed, cancelled, audited)] == [
        "tiny",
        "TINY",
        "TINY",
        "TINY",
        "tiny",
    ]


@pytest.mark.parametrize("rewrites", [*permutations(get_args(PayloadRewrite), 2)])
def test_rewrites_combine_in_any_order(rewrites: tuple[PayloadRewrite, ...]) -> None:
    bare = {"runtime": "tiny", "name": "rewritten-run", "runPython": {"uri": "s3://bucket/job.py"}}
    payload = read_payload(json.dumps(bare).encode())
    assert isinstance(payload, CreateRunPayload)
    shown = rewritten_payload(answered_payload(payload, "tiny"), 1, EmulatorSettings(payload_rewrites=rewrites))
    assert json.loads(shown)["name"] == "rewritten-run"
