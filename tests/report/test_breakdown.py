"""Counting rows by axis values."""

import pytest

from batchrun.errors import UsageError
from batchrun.ledger.fold import Outcome
from batchrun.report.axis_values import axes_of, axis_text, checked_axes, natural_key
from batchrun.report.breakdown import breakdown, counts_of
from batchrun.report.run_label import RunGroup, group_of, label_of
from tests.report.rows import row

ROWS = [
    row("1", "COMPLETED", point={"area": "us", "year": 2021}),
    row("2", "FAILED", point={"area": "us", "year": 2022}),
    row("3", "gone", point={"area": "eu", "year": 2021}),
    row("4", "RUNNING", point={"area": "eu", "year": 2022}),
    row("5", None, point={"area": "eu", "year": 2022}, outcome=Outcome.PENDING, run_id=None),
    row("6", None, point={"area": "us", "year": 2021}, outcome=Outcome.REJECTED, run_id=None),
]


def test_one_axis_is_counted_by_label_and_by_group() -> None:
    found = breakdown(ROWS, ["area"])
    assert found.values() == ("eu", "us")
    us = found.cells["us",]
    assert us.labels == {"COMPLETED": 1, "FAILED": 1, "rejected": 1}
    assert us.groups == {RunGroup.COMPLETED: 1, RunGroup.FAILED: 2}
    assert (us.total, us.ended, us.failed) == (3, 3, 2)
    assert us.failed_share == pytest.approx(2 / 3)
    assert found.total.total == 6


def test_two_axes_have_a_cell_for_each_combination_that_occurs() -> None:
    found = breakdown(ROWS, ["area", "year"])
    assert list(found.cells) == [("eu", "2021"), ("eu", "2022"), ("us", "2021"), ("us", "2022")]
    assert found.values(1) == ("2021", "2022")
    assert found.cells["eu", "2022"].groups == {RunGroup.ACTIVE: 1, RunGroup.NOT_CREATED: 1}
    assert found.cells["eu", "2022"].failed_share is None


def test_it_can_be_written_as_json() -> None:
    document = breakdown(ROWS[:1], ["area"]).json()
    counts = {"runs": 1, "labels": {"COMPLETED": 1}, "groups": {"completed": 1}}
    assert document == {"axes": ["area"], "total": counts, "cells": [{"values": {"area": "us"}, **counts}]}


def test_the_counts_of_no_rows_are_zero() -> None:
    assert (counts_of([]).total, counts_of([]).failed_share) == (0, None)


def test_fields_of_a_record_axis_are_axes() -> None:
    rows = [row("1", point={"site": {"id": "nyc", "lat": 40.5}, "x": True})]
    assert axes_of(rows) == ("site.id", "site.lat", "x")
    assert axis_text(rows[0].point, "site.lat") == "40.5"
    assert axis_text(rows[0].point, "x") == "true"
    assert axis_text(rows[0].point, "site.none") == "(none)"


def test_values_are_sorted_as_a_person_expects() -> None:
    assert sorted(["b", "10", "9", "-1", "tile-10", "tile-9"], key=natural_key) == [
        "-1", "9", "10", "b", "tile-9", "tile-10",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("axis", "fix"),
    [
        ("yaer", "--by: unknown axis 'yaer'; did you mean 'year'?"),
        ("zone", "--by: unknown axis 'zone'; use one of site.id, site.lat, year"),
        ("site", "--by: 'site' holds records; use a field: site.id or site.lat"),
    ],
)
def test_an_unknown_axis_is_an_error_with_a_suggestion(axis: str, fix: str) -> None:
    with pytest.raises(UsageError) as raised:
        checked_axes([axis], ["site.id", "site.lat", "year"], place="--by")
    assert str(raised.value) == fix


@pytest.mark.parametrize(
    ("outcome", "status", "label", "group"),
    [
        (Outcome.SUBMITTED, None, "created", RunGroup.ACTIVE),
        (Outcome.SUBMITTED, "PENDING", "PENDING", RunGroup.ACTIVE),
        (Outcome.SUBMITTED, "QUEUED_AGAIN", "QUEUED_AGAIN", RunGroup.ACTIVE),
        (Outcome.SUBMITTED, "TIMED_OUT", "TIMED_OUT", RunGroup.FAILED),
        (Outcome.SUBMITTED, "CANCELLED", "CANCELLED", RunGroup.CANCELLED),
        (Outcome.FAILED, None, "not created", RunGroup.FAILED),
        (Outcome.PENDING, None, "not sent", RunGroup.NOT_CREATED),
        (Outcome.UNKNOWN, None, "unknown", RunGroup.NOT_CREATED),
        (Outcome.DROPPED, None, "dropped", RunGroup.NOT_CREATED),
    ],
)
def test_a_run_has_a_label_and_a_group(outcome: Outcome, status: str | None, label: str, group: RunGroup) -> None:
    assert (label_of(outcome, status), group_of(outcome, status)) == (label, group)
