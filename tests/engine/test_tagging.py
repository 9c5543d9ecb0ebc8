"""The tag that says whose run a payload is of."""

import json

from batchrun.engine.tagging import TAG, Tagging, tag_of
from batchrun.wherobots.summaries import RunSummary
from tests.engine.service import plan_of


def listed(payload: object) -> RunSummary:
    return RunSummary(id="r1", name="tile", payload=payload)  # type: ignore[arg-type]  # a service may list anything


def test_without_a_batch_id_payloads_stay_as_they_are() -> None:
    assert Tagging(None).body("k", 1, b'{"a": 1}') == b'{"a": 1}'
    assert Tagging(None).tag_of("k", 1) is None


def test_what_is_sent_with_a_tag_is_recognized_in_a_list() -> None:
    (run,) = plan_of(1)
    body = Tagging("b1").body(run.key, 2, run.body)
    assert tag_of(listed(json.loads(body))) == Tagging("b1").tag_of(run.key, 2) == f"b1/{run.key}/2"


def test_the_tag_is_added_and_nothing_else_changes() -> None:
    body = {"name": "tile", "environment": {"sparkConfigs": {"spark.x": "1"}, "sparkDriverDiskGB": 9}}
    tagged = json.loads(Tagging("b1").body("k", 1, json.dumps(body).encode()))
    assert tagged["environment"]["sparkConfigs"].pop(TAG) == "b1/k/1"
    assert tagged == body


def test_a_payload_of_another_shape_has_no_tag() -> None:
    shapes: list[object] = [
        None,
        {},
        {"environment": []},
        {"environment": {"sparkConfigs": "x"}},
        {"environment": {"sparkConfigs": {TAG: 1}}},
    ]
    assert [tag_of(listed(payload)) for payload in shapes] == [None] * 5
