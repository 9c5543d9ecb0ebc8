"""Which runs a rule applies to, and what it does to them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.emulator.run_rules import FailRule, RunTraits
from batchrun.emulator.runs.lifecycle import Lifecycle, lifecycle_of
from batchrun.emulator.settings import load_settings
from batchrun.wherobots.views import RunStatus

ARGS = ("--region", "us", "--year=2024", "--debug", "--lat", "-5", "s3://bucket/in [1].tif")


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ("--region us", True),
        ("--region=us", True),
        ("--region u*", True),
        ("--region eu", False),
        ("--region", True),
        ("--year 2024", True),
        ("--year 202?", False),
        ("--debug", True),
        ("--debug true", False),
        ("--lat -5", True),
        ("--region us --year 2024", True),
        ("--region us --year 2023", False),
        ("us", True),
        ("'s3://bucket/in [1].tif'", True),
        ("*.tif", True),
        ("--reg us", False),
    ],
)
def test_a_rule_sees_arguments_as_a_script_would(where: str, matches: bool) -> None:
    assert FailRule(where=where).matches(RunTraits(args=ARGS)) is matches


def test_runtime_and_region_narrow_a_rule() -> None:
    rule = FailRule(where="--region us", runtime="tiny", region="aws-1")
    assert rule.matches(RunTraits(args=ARGS, runtime="tiny", region="aws-1"))
    assert not rule.matches(RunTraits(args=ARGS, runtime="small", region="aws-1"))
    assert not rule.matches(RunTraits(args=ARGS, runtime="tiny", region="aws-2"))


@given(st.lists(st.text(max_size=5), max_size=6), st.text(max_size=12))
def test_no_argument_and_no_readable_rule_ends_in_an_error(args: list[str], where: str) -> None:
    try:
        rule = FailRule(where=where)
    except ValueError:
        return
    rule.matches(RunTraits(args=args))


def lifecycles(count: int, args: Sequence[str] = ARGS, runtime: str = "tiny", **settings: Any) -> list[Lifecycle]:
    loaded = load_settings(None, settings)
    traits = RunTraits(args=args, runtime=runtime)
    return [lifecycle_of(loaded, number, 3600, traits) for number in range(count)]


def test_the_first_rule_that_hits_a_run_decides_how_it_fails() -> None:
    rules = [{"where": "--region us", "share": 0.5, "message": "first"}, {"where": "--debug", "message": "second"}]
    messages = Counter(one.failure and one.failure.message for one in lifecycles(1000, fail_where=rules))
    assert set(messages) == {"first", "second"}
    assert 430 < messages["first"] < 570
    assert lifecycles(1, fail_where=rules, args=["--region", "eu"])[0].final_status is RunStatus.COMPLETED


def test_a_rule_can_end_a_run_early_with_its_own_code_and_status() -> None:
    rule = {"where": "--region us", "after": 0.1, "code": "RUN_LOST", "status": "TIMED_OUT"}
    (found,) = lifecycles(1, fail_where=rule, run_s=50)
    assert (found.run_s, found.final_status) == (5, RunStatus.TIMED_OUT)
    assert found.failure is not None
    assert found.failure.code == "RUN_LOST"


def test_text_is_a_rule() -> None:
    assert lifecycles(1, fail_where="--region us")[0].final_status is RunStatus.FAILED
    assert lifecycles(1, fail_where=["--region us"])[0].final_status is RunStatus.FAILED


def test_durations_follow_runtime_and_arguments_in_order() -> None:
    rules = [{"runtime": "small", "run_s": 40, "startup_s": 7}, {"where": "--region us", "factor": 3}]
    assert [(one.startup_s, one.run_s) for one in lifecycles(1, durations=rules, run_s=10)] == [(1, 30)]
    assert [(one.startup_s, one.run_s) for one in lifecycles(1, durations=rules, runtime="small")] == [(7, 120)]
    assert [one.run_s for one in lifecycles(1, durations=rules, runtime="small", args=())] == [40]


def test_failures_by_chance_have_a_reason_and_one_reason_leads() -> None:
    reasons = Counter(one.failure.message for one in lifecycles(2000, failure_rate=0.5) if one.failure)
    assert 900 < reasons.total() < 1100
    assert len(reasons) == 4
    assert reasons.most_common(1)[0][0].startswith("java.lang.OutOfMemoryError")


def test_a_share_of_runs_times_out_whatever_the_timeout_is() -> None:
    statuses = Counter(one.final_status for one in lifecycles(1000, timed_out_rate=0.2, run_s=1))
    assert 140 < statuses[RunStatus.TIMED_OUT] < 260
