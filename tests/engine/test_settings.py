import math
from typing import Any

import pytest

from batchrun.engine.settings import SubmitSettings
from batchrun.errors import UsageError
from batchrun.sweep.manifest.tables import SubmitTable


def test_an_empty_table_gives_the_defaults() -> None:
    assert SubmitSettings.of(SubmitTable()) == SubmitSettings()


def test_every_value_of_the_table_arrives() -> None:
    values: dict[str, Any] = {
        "concurrency": 3,
        "rate": 2.5,
        "burst": 4,
        "read_rate": 3.5,
        "max_active": 5,
        "max_attempts": 6,
        "stop_at_units": 12.5,
        "stop_after_failures": 0.25,
    }
    table = SubmitTable.model_validate({**values, "settle_after": 7.0, "give_up_after": "2h"})
    assert SubmitSettings.of(table) == SubmitSettings(**values, settle_after_s=7.0, give_up_after_s=7200.0)


def test_a_flag_wins_over_the_table_and_a_flag_that_is_not_given_does_not() -> None:
    chosen = SubmitSettings.of(SubmitTable(rate=2.0, concurrency=3), rate=9.0, concurrency=None, max_attempts=None)
    assert (chosen.rate, chosen.concurrency, chosen.max_attempts) == (9.0, 3, SubmitSettings().max_attempts)


def test_a_flag_of_zero_is_a_flag() -> None:
    assert SubmitSettings.of(SubmitTable(), settle_after_s=0.0).settle_after_s == 0.0


@pytest.mark.parametrize(
    "values",
    [
        {"concurrency": 0},
        {"concurrency": 1_000_000},
        {"rate": 1e300},
        {"read_rate": 1e300},
        {"rate": 0.0},
        {"rate": -1.0},
        {"rate": math.inf},
        {"rate": math.nan},
        {"burst": 0},
        {"read_rate": 0.0},
        {"read_rate": math.inf},
        {"max_active": 0},
        {"max_attempts": 0},
        {"settle_after_s": -0.1},
        {"give_up_after_s": 0.0},
        {"give_up_after_s": math.nan},
        {"settle_after_s": math.inf},
        {"settle_after_s": math.nan},
        {"stop_at_units": 0.0},
        {"stop_at_units": math.inf},
        {"stop_after_failures": 0.0},
        {"stop_after_failures": math.nan},
    ],
    ids=repr,
)
def test_values_that_cannot_be_used_are_refused_by_name(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as refused:
        SubmitSettings(**values)
    (name,) = values
    assert [problem.place for problem in refused.value.problems] == [name.removesuffix("_s")]


def test_all_that_is_wrong_is_shown_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        SubmitSettings.of(SubmitTable(rate=5.0), concurrency=0, max_attempts=-1, settle_after_s=-1.0)
    assert [problem.place for problem in refused.value.problems] == ["concurrency", "max_attempts", "settle_after"]
    assert all(problem.fix for problem in refused.value.problems)


@pytest.mark.parametrize("values", [{"stop_after_failures": 1.0}, {"stop_after_failures": 0.001}, {"rate": 0.01}])
def test_small_values_that_make_sense_are_taken(values: dict[str, Any]) -> None:
    assert SubmitSettings(**values) != SubmitSettings()
