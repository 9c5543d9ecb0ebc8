"""Failures by reason, and what their points have in common."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.errors import Trouble
from batchrun.ledger.fold import Outcome
from batchrun.report.failures import failure_groups
from batchrun.report.hypergeometric import tail_probability
from batchrun.report.overrepresented import PointIndex
from batchrun.report.rows import RunRow
from tests.report.rows import row


def sweep() -> list[RunRow]:
    """Twelve runs in each of ten regions; all of us failed, and one elsewhere."""
    rows = []
    for number in range(120):
        point = {"region": ["us", "eu", *"abcdefgh"][number % 10], "n": number, "zone": {"id": f"z{number % 10}"}}
        is_bad = point["region"] == "us" or number == 11
        message = f"tile {number} not found in s3://acme/{number}.tif"
        rows.append(
            row(str(number), "FAILED", point=point, code="RUN_FAIL_EXEC", message=message)
            if is_bad
            else row(str(number), point=point)
        )
    return rows


def test_messages_that_differ_in_numbers_and_paths_are_one_reason() -> None:
    (group,) = failure_groups(sweep())
    assert group.runs == 13
    assert (group.label, group.code) == ("FAILED", "RUN_FAIL_EXEC")
    assert group.describe().startswith("FAILED (RUN_FAIL_EXEC): tile 0 not found")
    assert group.examples == ("run-0", "run-10", "run-11")


def test_the_value_behind_the_failures_is_named_once() -> None:
    (group,) = failure_groups(sweep())
    assert [trait.describe() for trait in group.traits] == ["region=us: 12 of 12 failed; elsewhere <1 %"]


def test_two_causes_are_both_found() -> None:
    rows = [
        row(f"{a}-{b}", "FAILED" if a == 1 or b == 2 else "COMPLETED", point={"a": a, "b": b}, message="exit 1")
        for a in range(20)
        for b in range(20)
    ]
    (group,) = failure_groups(rows)
    assert [(t.axis, t.value, t.failed, t.of) for t in group.traits] == [("b", "2", 20, 20), ("a", "1", 20, 20)]


def test_failures_all_over_the_place_have_nothing_in_common() -> None:
    rows = [row(str(n), "FAILED" if n % 7 == 0 else "COMPLETED", point={"n": n, "m": n % 5}) for n in range(350)]
    (group,) = failure_groups(rows)
    assert group.traits == ()


def test_if_everything_failed_no_value_stands_out() -> None:
    rows = [row(str(n), "FAILED", point={"m": n % 5}) for n in range(100)]
    assert failure_groups(rows)[0].traits == ()


def test_runs_that_have_not_ended_do_not_count() -> None:
    rows = [row(f"a{n}", "FAILED", point={"m": "x"}) for n in range(12)]
    rows += [row(f"b{n}", "RUNNING", point={"m": "y"}) for n in range(500)]
    assert failure_groups(rows)[0].traits == ()


def test_reasons_are_apart_by_label_code_and_message_and_sorted_by_size() -> None:
    invalid = Trouble(status=422, code="INVALID_INPUT_ERROR", message="no such runtime")
    rows = [
        row("1", None, outcome=Outcome.REJECTED, run_id=None, trouble=invalid),
        row("2", "TIMED_OUT", message="timeout"),
        row("3", "FAILED", message="exit 1"),
        row("4", "FAILED", message="exit 137"),
        row("5", "gone"),
        row("6", "CANCELLED"),
    ]
    groups = failure_groups(rows)
    assert [group.describe() for group in groups] == [
        "FAILED: exit 1",
        "rejected (INVALID_INPUT_ERROR): no such runtime",
        "TIMED_OUT: timeout",
        "gone",
    ]
    assert groups[1].json()["examples"] == ["run-1"]


def test_no_rows_have_no_failures() -> None:
    assert failure_groups([]) == ()


def test_many_rows_and_a_value_for_each_row_are_no_obstacle() -> None:
    rows = [
        row(str(n), "FAILED" if n % 100 == 0 else "COMPLETED", point={"n": n, "m": n % 100, "k": n % 7})
        for n in range(20_000)
    ]
    (trait,) = PointIndex(rows).overrepresented([r for r in rows if r.status == "FAILED"])
    assert trait.describe() == "m=0: 200 of 200 failed; elsewhere none"
    assert trait.json()["of_elsewhere"] == 19_800


@given(st.data())
def test_the_tail_is_that_of_the_hypergeometric_distribution(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 60))
    marked, draws = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    k = data.draw(st.integers(0, min(marked, draws)))
    ways = sum(comb(marked, i) * comb(total - marked, draws - i) for i in range(k, min(marked, draws) + 1))
    exact = float(Fraction(ways, comb(total, draws)))
    assert tail_probability(k, draws=draws, marked=marked, total=total) == pytest.approx(exact, rel=1e-9, abs=1e-12)
