import json

from hypothesis import given, settings
from hypothesis import strategies as st

from batchrun.wherobots.enums import RuntimeId
from batchrun.wherobots.identity import canonical_json, is_same_payload, payload_differences, payload_json, run_key
from batchrun.wherobots.payload import CreateRunPayload, FileDependency, RunEnvironment, RunPythonPayload
from batchrun.wherobots.views import CreateRunPayloadOutput

PAYLOAD = CreateRunPayload(
    runtime=RuntimeId.TINY,
    name="ndvi-2021",
    run_python=RunPythonPayload(uri="s3://acme/ndvi.py", args=["--year", "2021"]),
    environment=RunEnvironment(spark_configs={"a": "1"}, dependencies=[FileDependency(file_path="s3://a/b.whl")]),
)


def test_the_canonical_payload_has_sorted_keys_and_no_nulls() -> None:
    body = payload_json(PAYLOAD)
    assert body == canonical_json(json.loads(body))
    assert b"null" not in body


def test_the_key_depends_on_region_and_payload() -> None:
    body = payload_json(PAYLOAD)
    keys = {run_key("aws-us-west-2", body), run_key("aws-us-east-1", body), run_key("aws-us-west-2", body + b" ")}
    assert len(keys) == 3
    assert all(len(key) == 16 for key in keys)


def test_what_the_service_fills_in_is_still_the_same_payload() -> None:
    answered = CreateRunPayloadOutput.model_validate_json(payload_json(PAYLOAD)).model_dump(mode="json", by_alias=True)
    assert answered["environment"]["dependencies"][0]["fileType"] == "PYTHON_WHEEL"
    assert is_same_payload(payload_json(PAYLOAD), answered | {"version": "latest", "more": 1})


def test_what_was_empty_may_be_left_out_of_the_answer() -> None:
    bare = CreateRunPayload(
        runtime=RuntimeId.TINY, name="ndvi-2021", run_python=RunPythonPayload(uri="s3://acme/ndvi.py")
    )
    answered = {
        "runtime": "tiny",
        "name": "ndvi-2021",
        "runPython": {"uri": "s3://acme/ndvi.py"},
        "timeoutSeconds": 3600,
    }
    assert not is_same_payload(payload_json(PAYLOAD), answered)
    assert is_same_payload(payload_json(bare), answered | {"environment": {}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=30)  # drawing nested documents takes most of the time
@given(st.dictionaries(st.text(min_size=1), json_values), st.text(min_size=1))
def test_a_payload_is_the_same_as_itself_and_not_as_a_changed_one(payload: dict[str, object], key: str) -> None:
    body = canonical_json(payload)
    assert is_same_payload(body, json.loads(body))
    assert not is_same_payload(canonical_json(payload | {key: "one"}), payload | {key: "other"})


def test_a_difference_says_where_and_what() -> None:
    sent = canonical_json(
        {"runtime": "tiny", "runPython": {"uri": "a", "args": ["x", "t=<env.T>", "z"]}, "list": [1, 2]}
    )
    answered = {"runtime": "large", "runPython": {"args": ["x", "t=1", "?"]}, "list": [1], "more": 1}
    found = {one.path: (one.sent, one.answered) for one in payload_differences(sent, answered)}
    assert found == {
        "runtime": ("tiny", "large"),
        "runPython.uri": ("a", None),
        "runPython.args[2]": ("z", "?"),
        "list": ([1, 2], [1]),
    }
