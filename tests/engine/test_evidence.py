"""What listed runs prove about a run that is looked for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.evidence import Evidence, Fit, Sought, fit, is_complete, weigh
from batchrun.engine.tagging import TAG
from batchrun.wherobots.summaries import RunSummary

BODY = b'{"args":["--tile","1","<env.TOKEN>"],"name":"tile-run-1"}'
SOUGHT = Sought(name="tile-run-1", created_from_s=1_800_000_000.0, body=BODY, tag="batch/key/1")
PAYLOAD = {"args": ["--tile", "1", "secret"], "name": "tile-run-1"}
IN_TIME, BEFORE = "2027-01-15T08:00:01Z", "2027-01-15T07:59:59Z"


def listed(run_id: str = "r1", **changes: Any) -> RunSummary:
    fields: dict[str, Any] = {"name": "tile-run-1", "create_time": IN_TIME, "payload": PAYLOAD}
    return RunSummary(id=run_id, **fields | changes)


def tagged(tag: str) -> dict[str, Any]:
    return PAYLOAD | {"environment": {"sparkConfigs": {TAG: tag}}}


OTHER = PAYLOAD | {"args": ["--tile", "2", "secret"]}


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (listed(), Fit.OURS),
        (listed(payload=None), Fit.OURS),
        (listed(create_time=None), Fit.OURS),
        (listed(create_time="no time"), Fit.OURS),
        (listed(payload=tagged("batch/key/1")), Fit.OURS),
        (listed(payload=tagged("batch/key/1") | {"args": ["masked"]}), Fit.OURS),
        (listed("another", payload=tagged("batch/key/1")), Fit.ODD),
        (listed(name="tile-run-10", payload=PAYLOAD | {"name": "tile-run-10"}), Fit.OTHER),
        (listed(name="tile-run-10", payload=None), Fit.OTHER),
        (listed(name=None, payload=None), Fit.OTHER),
        (listed(name="tile-run"), Fit.ODD),
        (listed(name=None), Fit.ODD),
        (listed(name="Tile-Run-1 ", payload=None), Fit.ODD),
        (listed(name="TILE-RUN-1", payload=PAYLOAD | {"name": "TILE-RUN-1"}), Fit.ODD),
        (listed(name="TILE-RUN-1", payload=OTHER | {"name": "TILE-RUN-1"}), Fit.OTHER),
        (listed("taken", name="TILE-RUN-1"), Fit.FOREIGN),
        (listed("another", name="TILE-RUN-1"), Fit.OTHER),
        (listed(name="TILE-RUN-1", create_time=BEFORE), Fit.OTHER),
        (listed(create_time=BEFORE), Fit.FOREIGN),
        (listed("taken"), Fit.FOREIGN),
        (listed(payload=tagged("other/key/1")), Fit.FOREIGN),
        (listed("another", payload=OTHER), Fit.FOREIGN),
        (listed("another"), Fit.ODD),
        (listed("another", payload=None), Fit.ODD),
        (listed(payload=OTHER), Fit.ODD),
        (listed(payload={}), Fit.ODD),
        (listed("../runs"), Fit.ODD),
        (listed("r%2f1"), Fit.ODD),
        (listed(""), Fit.ODD),
        (listed("r" * 129), Fit.ODD),
        (listed("r1\x1b[2J"), Fit.ODD),
    ],
)
def test_how_a_listed_run_relates_to_the_sought_one(run: RunSummary, expected: Fit) -> None:
    assert fit(run, SOUGHT, is_taken="taken".__eq__, is_of_another="another".__eq__) is expected


def test_without_a_payload_to_compare_the_name_and_the_time_decide() -> None:
    sought = Sought(name="tile-run-1", created_from_s=1_800_000_000.0)
    assert fit(listed(payload=OTHER), sought, is_taken="taken".__eq__) is Fit.OURS
    assert fit(listed(create_time=BEFORE), sought, is_taken="taken".__eq__) is Fit.FOREIGN


def test_a_tag_counts_where_the_payload_does_not() -> None:
    """Two ledgers of one sweep send the same payload; only the tag tells their runs apart."""
    run = listed(payload=tagged("other/key/1"))
    assert weigh([run], SOUGHT, is_taken="taken".__eq__).evidence is Evidence.NOTHING


def test_one_that_is_ours_counts_more_than_one_that_is_odd_and_the_oldest_comes_first() -> None:
    runs = [listed("odd", payload=OTHER), listed("later", create_time="2027-01-15T08:00:09Z"), listed("first")]
    found = weigh(runs, SOUGHT, is_taken="taken".__eq__)
    assert (found.evidence, [run.id for run in found.runs]) == (Evidence.PRESENT, ["first", "later"])
    odd = weigh(runs[:1], SOUGHT, is_taken="taken".__eq__)
    assert (odd.evidence, [run.id for run in odd.runs]) == (Evidence.ODD, ["odd"])


def test_a_run_that_is_listed_twice_is_one_run() -> None:
    assert len(weigh([listed(), listed()], SOUGHT, is_taken="taken".__eq__).runs) == 1


@pytest.mark.parametrize(
    ("ids", "totals", "reached_end", "grown", "expected"),
    [
        (3, [3], True, 0, True),
        (3, [3, 3], True, 0, True),
        (0, [0], True, 0, True),
        (4, [3, 4], True, 0, True),
        (3, [3, 5], True, 2, True),  # two runs that we know were created meanwhile
        (3, [3, 5], True, 1, False),
        (2, [3], True, 0, False),
        (3, [3], False, 0, False),
        (3, [None], True, 0, False),
        (3, [3, None], True, 0, False),
        (0, [-5], True, 0, False),
    ],
)
def test_a_list_is_complete_if_it_ended_and_held_what_it_promised(
    ids: int, totals: list[int | None], reached_end: bool, grown: int, expected: bool
) -> None:
    assert is_complete({str(n) for n in range(ids)}, totals, reached_end=reached_end, grown=grown) is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@given(
    st.builds(
        RunSummary,
        id=st.text(max_size=8),
        name=st.none() | st.just("tile-run-1") | st.text(max_size=8),
        create_time=st.none() | st.text(max_size=30) | st.just(IN_TIME),
        payload=st.none() | st.dictionaries(st.text(max_size=8), JSON, max_size=4),
    )
)
def test_whatever_a_list_shows_it_is_ours_only_with_the_exact_name_and_payload(run: RunSummary) -> None:
    if fit(run, SOUGHT, is_taken=lambda _: False) is Fit.OURS:
        assert run.name == "tile-run-1"
        assert run.payload is None or json.loads(BODY).keys() <= run.payload.keys()


def test_a_run_that_is_recorded_for_another_planned_run_is_odd_for_that_reason() -> None:
    finding = weigh([listed("another")], SOUGHT, is_taken=lambda _: False, is_of_another="another".__eq__)
    assert (finding.evidence, finding.doubt) == (Evidence.ODD, "it is recorded for another planned run")
