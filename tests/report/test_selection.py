"""Selecting runs: everything given must hold, and what is unknown is reported with a suggestion."""

from dataclasses import replace
from typing import Any

import pytest

from batchrun.errors import UsageError
from batchrun.ledger.state import EarlierRun, Outcome
from batchrun.report.selection import Selection, select
from tests.report.rows import row

ROWS = [
    row("1", "COMPLETED", point={"area": "us", "year": 2021, "day": "2023-01-01"}),
    row("2", "FAILED", point={"area": "us", "year": 2022, "day": "2023-02-01"}),
    row("3", "gone", point={"area": "eu", "year": 2023, "day": "2023-03-01"}),
    row("4", None, point={}, outcome=Outcome.PENDING, run_id=None),
]


def names(**wanted: Any) -> list[str]:
    return [found.name for found in select(ROWS, Selection(**wanted))]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["run-1", "run-2", "run-3", "run-4"]),
        ({"names": ["run-2", "run-1"]}, ["run-1", "run-2"]),
        ({"statuses": ["failed", "GONE"]}, ["run-2", "run-3"]),
        ({"outcomes": [Outcome.PENDING]}, ["run-4"]),
        ({"where": ["area=us"]}, ["run-1", "run-2"]),
        ({"where": ["area=us", "year={ from = 2022 }"]}, ["run-2"]),
        ({"where": ["year=[2021, 2023]"]}, ["run-1", "run-3"]),
        ({"where": ['area={ not = "us" }']}, ["run-3"]),
        ({"where": ["day={ from = 2023-01-15 }"]}, ["run-2", "run-3"]),
        ({"where": ["area=us"], "statuses": ["FAILED"]}, ["run-2"]),
        ({"where": ["area=mars"]}, []),
    ],
)
def test_what_is_given_must_hold(wanted: dict[str, Any], found: list[str]) -> None:
    assert names(**wanted) == found


def test_a_run_is_found_by_its_id_and_by_its_key() -> None:
    assert names(names=[ROWS[0].run_id, ROWS[1].key]) == ["run-1", "run-2"]


def test_everything_unknown_is_reported_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        names(names=["run-11", "zzz"], statuses=["failled"])
    assert [problem.text() for problem in caught.value.problems] == [
        "run-11: no run with this name or id in this batch; did you mean 'run-1'?",
        "zzz: no run with this name or id in this batch; see batchrun runs",
        "--status: unknown status 'failled'; did you mean 'failed'?",
    ]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("aera=us", "--where aera=us: unknown axis 'aera'; did you mean 'area'?"),
        ("year=abc", "--where year=abc: the axis holds numbers, but the test is the string 'abc'"),
        ("area", "--where: 'area' is not KEY=VALUE; write --where KEY=VALUE"),
        ("year={ from = 3, to = 1 }", "--where year={ from = 3, to = 1 }: from = 3 is greater than to = 1; swap them"),
    ],
)
def test_a_test_that_cannot_be_meant_is_refused(where: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        names(where=[where])
    assert [problem.text() for problem in caught.value.problems] == [message]


def test_something_is_done_only_to_a_run_that_is_meant_beyond_doubt() -> None:
    rows = [
        replace(row("a", is_planned=False), name="tile-1"),
        replace(row("b"), name="tile-1"),
        row("c", earlier=(EarlierRun(1, "id-before", "FAILED", None),)),
    ]
    with pytest.raises(UsageError) as refused:
        select(rows, Selection(names=["tile-1", "id-before", "id-a"], is_exact=True))
    assert [problem.text() for problem in refused.value.problems] == [
        "tile-1: 2 runs of this batch have this name; use an id: id-a, id-b",
        "id-before: an earlier generation of run-c, which was rerun since; use the latest run: id-c",
    ]
    assert [found.key for found in select(rows, Selection(names=["id-a", "c"], is_exact=True))] == ["a", "c"]
    assert [found.key for found in select(rows, Selection(names=["tile-1", "id-before"]))] == ["a", "b", "c"]
