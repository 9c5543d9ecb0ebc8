"""What an estimate says of a limit of units, and of runs that are run again."""

import pytest

from batchrun.cli.views.estimate import reruns_line, units_limit_line
from batchrun.report.estimate import estimate
from batchrun.sweep.plan import Demand
from batchrun.wherobots.units import PUBLISHED_UNITS

TWELVE = estimate([Demand("aws-us-west-2", "tiny", 720, 12)], PUBLISHED_UNITS)
"""Twelve runs of one unit at most."""
UNKNOWN = estimate([Demand("aws-us-west-2", "large", 720, 12)], PUBLISHED_UNITS)


@pytest.mark.parametrize(
    ("limit", "reruns", "line"),
    [
        (None, 0, None),
        (12, 0, "stop_at_units is 12: every run of the plan fits"),
        (36, 2, "stop_at_units is 36: every run of the plan fits"),
        (
            30,
            2,
            "stop_at_units is 30, but the plan may use up to 36: submit may stop (resumable) before the last run",
        ),
    ],
)
def test_a_limit_is_compared_with_the_most_that_may_be_used(limit: float | None, reruns: int, line: str | None) -> None:
    assert units_limit_line(limit, TWELVE, reruns) == line


def test_a_runtime_that_nobody_knows_is_named() -> None:
    line = units_limit_line(5, UNKNOWN)
    assert (
        line
        == "stop_at_units is 5: submit asks the service for the units per hour of large, and refuses to start without them"
    )
    assert reruns_line(1, UNKNOWN) == "runs that fail are rerun up to once each"


def test_reruns_multiply_the_upper_end() -> None:
    assert reruns_line(0, TWELVE) is None
    line = "runs that fail are rerun up to 2 times each: at most 36 spatial units if every run fails each time"
    assert reruns_line(2, TWELVE) == line
