"""The emulator's own description against the contract, with every reference followed."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.emulator.shapes import CALLS

PROSE = {"title", "description", "summary", "operationId", "tags"}
UNORDERED = {"required", "enum", "anyOf"}


def followed(document: dict[str, Any], node: Any) -> Any:
    """The node with references replaced by what they name, and prose and order of sets forgotten."""
    if isinstance(node, list):
        return [followed(document, item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        rest = {key: followed(document, value) for key, value in node.items() if key not in PROSE | {"$ref"}}
        return {"component": name, **followed(document, document["components"]["schemas"][name]), **rest}
    return {
        key: sorted(followed(document, value), key=_canonical) if key in UNORDERED and isinstance(value, list) else
        followed(document, value)
        for key, value in node.items()
        if key not in PROSE or isinstance(value, dict)
    }  # fmt: skip


def named(node: Any) -> Any:
    """The node with references as plain names."""
    if isinstance(node, list):
        return [named(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key if key != "$ref" else "reference": named(value) for key, value in node.items()}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


async def test_the_description_of_creating_a_run_is_the_contract(
    service: Callable[..., httpx.AsyncClient], contract: dict[str, Any]
) -> None:
    served = (await service().get("/openapi.json")).json()
    expected = followed(contract, contract["paths"]["/runs"]["post"])
    assert followed(served, served["paths"]["/runs"]["post"]) == expected
    schemes = contract["components"]["securitySchemes"]
    assert followed(served, served["components"]["securitySchemes"]) == followed(contract, schemes)


async def test_every_component_of_the_contract_is_served_under_its_name(
    service: Callable[..., httpx.AsyncClient], contract: dict[str, Any]
) -> None:
    served = (await service().get("/openapi.json")).json()
    for name, schema in contract["components"]["schemas"].items():
        assert followed(served, served["components"]["schemas"][name]) == followed(contract, schema), name


async def test_the_calls_beside_creating_are_described_as_the_service_describes_them(
    service: Callable[..., httpx.AsyncClient], contract: dict[str, Any]
) -> None:
    served = (await service().get("/openapi.json")).json()
    described = CALLS["components"]["schemas"].keys() & served["components"]["schemas"].keys()
    for name in sorted(described - contract["components"]["schemas"].keys()):
        # References are compared by name: what they lead to is compared in turn, and the contract has its own version
        # of some, such as RunView.
        ours, theirs = (named(one["components"]["schemas"][name]) for one in (served, CALLS))
        assert followed({}, ours) == followed({}, theirs), name


async def test_a_lenient_emulator_says_that_region_and_runtime_may_be_left_out(
    service: Callable[..., httpx.AsyncClient],
) -> None:
    served = (await service(lenient=True).get("/openapi.json")).json()
    assert not served["paths"]["/runs"]["post"]["parameters"][0]["required"]
    assert served["components"]["schemas"]["CreateRunPayload-Input"]["required"] == ["name"]


@pytest.mark.parametrize("path", ["/runs", "/runs/{run_id}", "/runs/{run_id}/logs", "/runs/{run_id}/metrics"])
async def test_every_call_names_both_ways_to_give_the_key(service: Callable[..., httpx.AsyncClient], path: str) -> None:
    served = (await service().get("/openapi.json")).json()
    assert served["paths"][path]["get"]["security"] == [{"bearerToken": []}, {"wherobotsApiKey": []}]
