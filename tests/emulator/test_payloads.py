"""The emulator accepts exactly the bodies that a JSON Schema validator accepts."""

import copy
import json
import math
import re
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings

from batchrun.emulator.http.payloads import answered_payload, read_payload
from batchrun.wherobots.enums import RuntimeId
from batchrun.wherobots.payload import CreateRunPayload

CONTRACT = json.loads((Path(__file__).parent / "contract.json").read_text(encoding="utf-8"))


def ecma_pattern(_: Any, pattern: str, value: Any, __: Any) -> Any:
    r"""Patterns as ECMA has them: ``$`` is the very end, which Python calls ``\Z``."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match")


Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call] # its stubs leave it out
    jsonschema.Draft202012Validator, {"pattern": ecma_pattern}
)
CHECK = Validator({"$ref": "#/components/schemas/CreateRunPayload-Input", "components": CONTRACT["components"]})

NAMES = st.one_of(
    st.from_regex(r"[a-zA-Z0-9_.\-]{8,40}", fullmatch=True), st.text("ab-_.é \n", max_size=12), st.just("a" * 256)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -1, 3600.0, 3.6e3, "3600", "TINY", "Tiny", "xlarge", "", [], {}, [1], {"a": 1}]),
    TEXT,
)
DEPENDENCY = st.one_of(
    st.fixed_dictionaries({"libraryName": TEXT}, optional={"libraryVersion": TEXT, "sourceType": st.just("PYPI")}),
    st.fixed_dictionaries({"filePath": TEXT}, optional={"sourceType": st.sampled_from(["FILE", "PYPI"])}),
)
ENVIRONMENT = st.fixed_dictionaries(
    {},
    optional={
        "sparkDriverDiskGB": st.one_of(st.none(), st.integers(0, 500)),
        "sparkExecutorDiskGB": st.one_of(st.none(), st.integers(0, 500)),
        "sparkConfigs": st.dictionaries(TEXT, TEXT, max_size=2),
        "dependencies": st.lists(DEPENDENCY, max_size=3),
    },
)
SCRIPT = st.fixed_dictionaries({"uri": TEXT}, optional={"args": st.lists(TEXT, max_size=2)})
PAYLOADS = st.fixed_dictionaries(
    {"runtime": st.sampled_from([str(runtime) for runtime in RuntimeId]), "name": NAMES},
    optional={
        "version": st.one_of(st.none(), TEXT),
        "runPython": st.one_of(st.none(), SCRIPT),
        "runJar": st.one_of(st.none(), SCRIPT),
        "timeoutSeconds": st.integers(-1, 10**6),
        "environment": ENVIRONMENT,
        "timeout_seconds": ODD,
    },
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, the whole of it first."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A payload in which one place was replaced, removed or added to."""
    value = copy.deepcopy(draw(PAYLOADS))
    path = draw(st.sampled_from(places(value)))
    if not path:
        return draw(st.one_of(st.just(value), ODD))
    holder: Any = value
    for key in path[:-1]:
        holder = holder[key]
    how = draw(st.sampled_from(["replace", "remove", "add"]))
    if how == "replace":
        holder[path[-1]] = draw(ODD)
    elif how == "remove":
        del holder[path[-1]]
    elif isinstance(holder, dict):
        holder[draw(st.sampled_from(["extra", "libraryName", "filePath", "library_name", "uri", "args"]))] = draw(ODD)
    return value


def is_accepted(value: Any) -> bool:
    return isinstance(read_payload(json.dumps(value).encode()), CreateRunPayload)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(PAYLOADS, mutated(), mutated()))
@example({"runtime": "tiny", "name": "ends-in-a-newline\n"})
@example({"runtime": "tiny", "name": "has-timeout", "timeoutSeconds": 3.6e3})
@example({"runtime": "tiny", "name": "has-timeout", "timeoutSeconds": True})
@example({"runtime": "tiny", "name": "has-timeout", "timeoutSeconds": "3600"})
@example({"runtime": "MICRO", "name": "no-runtime"})
@example({"runtime": "tiny", "name": "by-attribute", "run_python": 5, "timeout_seconds": "x"})
@example({"runtime": "tiny", "name": "empty-dependency", "environment": {"dependencies": [{}]}})
@example(
    {"runtime": "tiny", "name": "both-kinds", "environment": {"dependencies": [{"libraryName": 1, "filePath": ""}]}}
)
@example({"runtime": "tiny", "name": "null-environment", "environment": None})
@example({"runtime": "tiny", "name": "null-args-1", "runPython": {"uri": "s3://a", "args": None}})
def test_a_body_is_accepted_if_and_only_if_the_contract_accepts_it(value: Any) -> None:
    assert is_accepted(value) == CHECK.is_valid(value)


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"text"', b"\xff"])
def test_anything_but_an_object_is_refused(body: bytes) -> None:
    details = read_payload(body)
    assert isinstance(details, list)
    assert details[0].path == "body"


def test_every_error_has_path_field_and_suggestion() -> None:
    details = read_payload(b'{"name": "x", "runPython": {"args": []}, "runtime": "huge"}')
    assert isinstance(details, list)
    found = {detail.path: (detail.field, detail.suggestion) for detail in details}
    assert found["body.name"] == ("name", "Use at least 8 characters.")
    assert found["body.runPython.uri"] == ("uri", "Add the field 'uri'.")
    assert "x-large-matcher" in found["body.runtime"][1]


def test_the_answered_payload_has_its_defaults_and_the_types_of_files() -> None:
    body = {
        "runtime": "tiny",
        "name": "with-files",
        "environment": {"dependencies": [{"filePath": "s3://b/a.whl"}, {"libraryName": "h3"}]},
    }
    payload = read_payload(json.dumps(body).encode())
    assert isinstance(payload, CreateRunPayload)
    answered = json.loads(answered_payload(payload, "tiny"))
    assert answered["timeoutSeconds"] == 3600
    assert answered["environment"]["dependencies"] == [
        {"sourceType": "FILE", "filePath": "s3://b/a.whl", "fileType": "PYTHON_WHEEL"},
        {"sourceType": "PYPI", "libraryName": "h3", "libraryVersion": None},
    ]
    output = {"$ref": "#/components/schemas/CreateRunPayload-Output", "components": CONTRACT["components"]}
    Validator(output).validate(answered)


def test_a_lenient_emulator_fills_in_the_runtime() -> None:
    payload = read_payload(b'{"name": "no-runtime"}', lenient=True)
    assert isinstance(payload, CreateRunPayload)
    assert json.loads(answered_payload(payload, "small"))["runtime"] == "small"
    assert isinstance(read_payload(b'{"name": "bad-runtime", "runtime": "huge"}', lenient=True), list)


def test_infinity_is_not_an_integer() -> None:
    assert math.isinf(json.loads("1e999"))
    assert isinstance(read_payload(b'{"runtime": "tiny", "name": "infinite", "timeoutSeconds": 1e999}'), list)
