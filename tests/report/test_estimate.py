"""Estimates: each run by its own runtime and timeout, nothing made up, narrowed by what finished runs took."""

from collections.abc import Iterable

import pytest

from batchrun.cli.views.estimate import estimate_sentence
from batchrun.ledger.state import Outcome
from batchrun.report.estimate import (
    Durations,
    Earlier,
    Estimate,
    durations_by_runtime,
    estimate,
)
from batchrun.report.rows import RunRow
from batchrun.sweep.plan import Demand
from batchrun.wherobots.units import PUBLISHED_UNITS, UnitsPerHour

REGION = "aws-us-west-2"


def finished(ran_s: float, status: str = "COMPLETED", key: str = "k", **point: object) -> RunRow:
    return RunRow(
        key=key,
        name="n",
        outcome=Outcome.SUBMITTED,
        is_planned=True,
        generation=1,
        run_id="r",
        status=status,
        trouble=None,
        code=None,
        message=None,
        attempts=1,
        via="response",
        first_attempt_s=0.0,
        submitted_s=0.0,
        created_s=0.0,
        started_s=100.0,
        completed_s=100.0 + ran_s,
        kube_app_id=None,
        cost=None,
        earlier=(),
        point=dict(point),
    )


def durations_of(rows: Iterable[RunRow]) -> Durations | None:
    """Of runs whose runtimes are not known."""
    found = list(rows)
    return durations_by_runtime(found, {}, {axis for row in found for axis in row.point}).get(None)


def some(durations: Durations | None) -> Durations:
    assert durations is not None
    return durations


def estimated(earlier: Earlier, *runs: tuple[str, dict[str, object]]) -> Estimate:
    """Of runs given by runtime and point, each with a timeout of two hours; a runtime uses 10 units an hour."""
    units = {runtime: UnitsPerHour(10, 10) for runtime, _ in runs}
    return estimate([], units, earlier=earlier, points=[(runtime, 7200, point) for runtime, point in runs])


def test_hours_are_the_timeouts_and_units_a_range_by_runtime() -> None:
    found = estimate(
        [Demand(REGION, "tiny", 7200, 10), Demand(REGION, "tiny", 3600, 5), Demand(REGION, "micro", 3600, 2)],
        PUBLISHED_UNITS,
    )
    assert [(one.runtime, one.runs, one.hours.high, one.units_low, one.units_high) for one in found.runtimes] == [
        ("micro", 2, 2.0, 0.0, 2.0),
        ("tiny", 15, 25.0, 0.0, 125.0),
    ]
    assert (found.units_low, found.units_high) == (0.0, 127.0)
    assert estimate_sentence(found) == "estimate: 0 to 127 spatial units, if every run uses its full timeout"


def test_a_runtime_nobody_knows_is_left_out_and_named() -> None:
    found = estimate([Demand(REGION, "tiny", 3600, 1), Demand(REGION, "large", 3600, 100)], PUBLISHED_UNITS)
    assert (found.units_high, found.unknown) == (5.0, ("large",))
    assert estimate_sentence(found).endswith("; excluding large, whose units are not known")
    only = estimate([Demand(REGION, "large", 3600, 1)], PUBLISHED_UNITS, usd_per_unit=2)
    assert (
        estimate_sentence(only)
        == "no estimate: the spatial units of large are not published; batchrun plan --online asks the service"
    )


def test_money_needs_the_users_own_price() -> None:
    units = {"large": UnitsPerHour(20, 40)}
    found = estimate([Demand(REGION, "large", 3600, 10)], units, usd_per_unit=1.5)
    assert estimate_sentence(found).startswith("estimate: 200 to 400 spatial units, USD 300 to 600, ")
    assert found.json()["usd"] == [300.0, 600.0]
    assert estimate([Demand(REGION, "large", 3600, 10)], units).json()["usd"] is None


def test_finished_runs_narrow_the_hours_to_median_and_95th_percentile() -> None:
    durations = some(durations_of(finished(60.0 * n) for n in range(1, 21)))
    assert (durations.runs, durations.axis) == (20, None)
    assert durations.overall.low * 60 == pytest.approx(10.5)
    assert durations.overall.high * 60 == pytest.approx(19.05)
    points: list[tuple[str, int, dict[str, object]]] = [
        ("tiny", 7200, {}),
        ("tiny", 600, {}),
    ]  # the second cannot take longer than its timeout
    found = estimate([], {"tiny": UnitsPerHour(6, 6)}, earlier=Earlier(durations={None: durations}), points=points)
    assert found.units_low == pytest.approx((10.5 + 10) / 10)
    assert found.units_high == pytest.approx((19.05 + 10) / 10)


def test_an_axis_that_explains_the_durations_is_used() -> None:
    rows = [finished(600.0 + n, size="s", year=2020 + n) for n in range(10)]
    rows += [finished(6000.0 + n, size="l", year=2020 + n) for n in range(10)]
    durations = some(durations_of(rows))
    assert durations.axis == "size"
    assert durations.by_value["s"].high < 0.2 < durations.by_value["l"].low
    assert durations.of({"size": "s"}) == durations.by_value["s"]
    assert durations.of({"size": "new"}) is None
    assert durations.of({}) is None
    found = estimated(Earlier(durations={"tiny": durations}), ("tiny", {"size": "s"}), ("tiny", {"size": "new"}))
    assert found.runtimes[0].hours.high == pytest.approx(durations.by_value["s"].high + durations.overall.high)
    assert estimate_sentence(found).endswith(
        "of 20 finished runs by size; 1 run with new axis values estimated from all of these"
    )


def test_an_axis_that_the_plan_does_not_have_predicts_nothing() -> None:
    rows = [finished(seconds + n, size=size) for seconds, size in ((600, "s"), (6000, "l")) for n in range(10)]
    assert durations_by_runtime(rows, {}, {"year"})[None].axis is None


def test_many_small_groups_do_not_explain_noise() -> None:
    noise = [seconds for n in range(60) for seconds in (100.0 + n * 37 % 59, 100.0 + n * 23 % 53, 100.0 + n * 41 % 47)]
    rows = [finished(ran_s, tile=number // 3) for number, ran_s in enumerate(noise)]
    rows += [finished(1000.0 * n, tile=f"once-{n}") for n in range(1, 40)]
    assert some(durations_of(rows)).axis is None


def test_durations_of_one_runtime_say_nothing_of_another() -> None:
    rows = [finished(600.0 + n, key=f"t{n}") for n in range(5)] + [finished(60.0, key=f"l{n}") for n in range(4)]
    runtimes = {row.key: {"t": "tiny", "l": "large"}[row.key[0]] for row in rows}
    earlier = Earlier(durations=durations_by_runtime([*rows, finished(9e9, key="unknown")], runtimes, ()))
    assert {runtime: found.runs for runtime, found in earlier.durations.items()} == {"tiny": 5, "large": 4}
    found = estimated(earlier, ("tiny", {}), ("large", {}), ("medium", {}))
    assert {one.runtime: round(one.hours.low * 60) for one in found.runtimes} == {"tiny": 10, "large": 1, "medium": 120}
    assert estimate_sentence(found).endswith(
        "from the median and 95th percentile of 9 finished runs; "
        "medium by timeout, because fewer than three finished runs used it"
    )
    assert [one["hours_from"] for one in found.json()["runtimes"]] == ["finished runs", "timeouts", "finished runs"]


def test_runtimes_that_are_not_known_and_durations_that_are_not_real_are_named() -> None:
    rows = [finished(600.0) for _ in range(3)]
    earlier = Earlier(durations=durations_by_runtime(rows, {}, ()), is_emulated=True)
    sentence = estimate_sentence(estimated(earlier, ("tiny", {})))
    assert sentence.endswith(
        "of 3 finished runs of the emulator, whose durations are simulated; "
        "their runtimes are not known, because their plan cannot be rebuilt"
    )


def test_values_that_occur_once_predict_nothing() -> None:
    assert some(durations_of(finished(60.0 * n, tile=str(n)) for n in range(1, 11))).axis is None


def test_runs_that_did_not_complete_say_nothing_of_how_long_one_takes() -> None:
    assert durations_of([finished(1, status="FAILED") for _ in range(10)]) is None
    assert durations_of([finished(1), finished(1)]) is None
    assert durations_of([]) is None
    assert some(durations_of([finished(1), finished(1), finished(1)])).overall.low * 3600 == pytest.approx(1)
