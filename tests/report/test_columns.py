"""The columns of a table of runs."""

from decimal import Decimal

import pytest

from batchrun.errors import Trouble, UsageError
from batchrun.ledger.events import CostEvent
from batchrun.ledger.state import Outcome
from batchrun.report.columns import DEFAULT_COLUMNS, columns_of, sorted_rows
from tests.report.rows import row

AXES = ("region", "site.id")
COST = CostEvent(
    at="2026-01-01T00:00:00Z", key="1", run_id="id-1", state="final", cost="1.50", currency="USD", spatial_units="12"
)
ROWS = [
    row("1", point={"region": "us", "site": {"id": 9}}, created_s=0.0, started_s=90.0, completed_s=390.0, cost=COST),
    row("2", "FAILED", point={"region": "eu"}, code="RUN_FAIL_EXEC", message="exit 1", created_s=0.0, started_s=4.2),
    row("3", None, outcome=Outcome.REJECTED, run_id=None, trouble=Trouble(status=422, code="INVALID_INPUT_ERROR")),
]


def texts(name: str) -> list[str]:
    (column,) = columns_of([name], AXES, place="--columns")
    return [column.text(one) for one in ROWS]


def values(name: str) -> list[object]:
    (column,) = columns_of([name], AXES, place="--columns")
    return [column.value(one) for one in ROWS]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("name", ["run-1", "run-2", "run-3"]),
        ("status", ["COMPLETED", "FAILED", "rejected"]),
        ("reason", ["", "exit 1", "INVALID_INPUT_ERROR"]),
        ("waited", ["1.5 min", "4.2 s", ""]),
        ("ran", ["5.0 min", "", ""]),
        ("cost", ["USD 1.50", "", ""]),
        ("run_id", ["id-1", "id-2", ""]),
        ("created", ["1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z", ""]),
        ("region", ["us", "eu", ""]),
        ("site.id", ["9", "", ""]),
    ],
)
def test_a_column_says_what_a_row_has(name: str, shown: list[str]) -> None:
    assert texts(name) == shown


def test_values_are_for_programs() -> None:
    assert values("ran") == [300.0, None, None]
    assert values("cost") == [1.5, None, None]
    assert values("attempts") == [1, 1, 1]


def test_costs_that_are_only_known_in_units_are_shown_in_units() -> None:
    (column,) = columns_of(["cost"], AXES, place="--columns")
    units = CostEvent(at=COST.at, key="1", run_id="id-1", state="live", spatial_units="12")
    assert column.text(row("1", cost=units)) == "12.0 SU"
    assert Decimal(str(column.value(row("1", cost=units)))) == 12


def test_the_default_columns_exist() -> None:
    assert [column.name for column in columns_of(DEFAULT_COLUMNS, (), place="--columns")] == list(DEFAULT_COLUMNS)


@pytest.mark.parametrize(
    ("name", "fix"),
    [("nmae", "did you mean 'name'?"), ("regoin", "did you mean 'region'?"), ("zzz", "use one of name,")],
)
def test_an_unknown_column_is_an_error_with_a_suggestion(name: str, fix: str) -> None:
    with pytest.raises(UsageError) as raised:
        columns_of([name], AXES, place="--columns")
    assert str(raised.value).startswith(f"--columns: unknown column '{name}'; {fix}")


def test_rows_are_sorted_by_value_and_those_without_one_are_last() -> None:
    (waited,) = columns_of(["waited"], AXES, place="--sort")
    assert [one.key for one in sorted_rows(ROWS, waited)] == ["2", "1", "3"]
    assert [one.key for one in sorted_rows(ROWS, waited, descending=True)] == ["1", "2", "3"]
    (reason,) = columns_of(["reason"], AXES, place="--sort")
    assert [one.key for one in sorted_rows(ROWS, reason)] == ["3", "2", "1"]
