"""What our models accept and what the contract accepts, both ways round.

Where the contract is looser on purpose, the plan is stricter: neither or both of python and jar, a timeout below one
second, a jar without a main class, properties that the contract does not know.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from batchrun.wherobots.enums import RuntimeId
from batchrun.wherobots.identity import payload_json
from batchrun.wherobots.payload import CreateRunPayload

CONTRACT = json.loads((Path(__file__).parents[1] / "emulator" / "contract.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator({**CONTRACT, "$ref": "#/components/schemas/CreateRunPayload-Input"})
KNOWN = {"runtime", "version", "name", "runPython", "runJar", "timeoutSeconds", "environment"}

texts = st.text(max_size=12)
names = st.from_regex(r"[a-zA-Z0-9_.-]{8,40}", fullmatch=True)
scripts = st.fixed_dictionaries({"uri": texts}, optional={"args": st.lists(texts, max_size=3)})
jars = st.fixed_dictionaries({"uri": texts}, optional={"args": st.lists(texts), "mainClass": texts | st.none()})
libraries = st.fixed_dictionaries({"libraryName": texts}, optional={"libraryVersion": texts | st.none()})
files = st.fixed_dictionaries({"filePath": texts}, optional={"sourceType": st.sampled_from(["FILE", "PYPI"])})
environments = st.fixed_dictionaries(
    {},
    optional={
        "sparkDriverDiskGB": st.integers() | st.none(),
        "sparkConfigs": st.dictionaries(texts, texts, max_size=3),
        "dependencies": st.lists(libraries | files, max_size=3),
    },
)
payloads = st.fixed_dictionaries(
    {"runtime": st.sampled_from([one.value for one in RuntimeId]), "name": names},
    optional={
        "version": texts | st.none(),
        "runPython": scripts | st.none(),
        "runJar": jars | st.none(),
        "timeoutSeconds": st.integers() | st.sampled_from([3600.0, 3.6e3]),
        "environment": environments,
    },
)
odd: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | texts | st.lists(texts, max_size=1) | st.just({}) | st.floats()
)


def is_ours(payload: Any) -> bool:
    try:
        CreateRunPayload.model_validate_json(json.dumps(payload))
    except ValidationError:
        return False
    return True


def is_the_contracts(payload: Any) -> bool:
    return bool(VALIDATOR.is_valid(payload))


@given(payloads)
def test_what_the_contract_describes_is_accepted_by_both_and_sent_as_it_allows(payload: dict[str, Any]) -> None:
    assert is_the_contracts(payload)
    sent = payload_json(CreateRunPayload.model_validate_json(json.dumps(payload)))
    assert is_the_contracts(json.loads(sent))


@given(payloads, st.sampled_from(sorted(KNOWN)), odd)
def test_one_odd_value_gets_the_same_verdict_from_both(payload: dict[str, Any], key: str, value: object) -> None:
    changed = {**payload, key: value}
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN: JSON has no word for these
        return
    assert is_ours(changed) == is_the_contracts(changed)


@pytest.mark.parametrize("extra", [{"runtme": "tiny"}, {"runPython": {"uri": "s3://a", "arg": []}}])
def test_properties_that_the_contract_does_not_know_pass_there_and_not_here(extra: dict[str, Any]) -> None:
    payload = {"runtime": "tiny", "name": "contract-1", **extra}
    assert is_the_contracts(payload)
    assert not is_ours(payload)
