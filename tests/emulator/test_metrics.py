"""Metrics of a run throughout its lifecycle."""

import pytest

from batchrun.emulator.runs.costs import units_per_hour
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.metrics import metrics_of
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.enums import RuntimeId

T = 1_000_000.0


def used(run: StoredRun, settings: EmulatorSettings, now: float) -> tuple[float | None, float | None, int]:
    """Cost, spatial units and the number of points in a curve."""
    metrics = metrics_of(run, settings, now).model_dump(mode="json")
    instant = {name: one["metric"]["data"]["value"] for name, one in metrics["instant_metrics"].items()}
    curve = metrics["series_metrics"]["CPU_UTILIZATION_PERCENT"]["metric"]["data"]
    return instant["COST_USD"], instant["CONSUMED_SPATIAL_UNITS"], len(curve)


def test_the_cost_is_null_until_the_run_is_billed_and_counts_the_full_time() -> None:
    settings = EmulatorSettings(startup_s=60, run_s=720, billing_delay_s=60, speed=60)
    store = RunStore(settings)
    run = store.commit(name="n", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T)
    assert used(run, settings, T + 0.5) == (None, 0.0, 0)
    assert used(run, settings, T + 7) == (None, 0.5, 30)
    assert used(run, settings, T + 13.5) == (None, 0.95, 30)  # it settles
    assert used(run, settings, T + 14.5) == (0.75, 1.0, 30)


def test_a_run_that_never_ran_costs_nothing() -> None:
    settings = EmulatorSettings(startup_s=60, billing_delay_s=0)
    store = RunStore(settings)
    run = store.commit(name="n", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T)
    store.cancel(run, T + 1)
    assert used(run, settings, T + 2) == (0.0, 0.0, 0)


@pytest.mark.parametrize("runtime", list(RuntimeId))
def test_every_runtime_has_a_price_and_larger_ones_cost_more(runtime: RuntimeId) -> None:
    assert units_per_hour("micro") <= units_per_hour(runtime) <= units_per_hour("4x-large")


def test_sizes_cost_what_they_are_called() -> None:
    sizes = [units_per_hour(name) for name in ("micro", "tiny", "SMALL", "large-himem", "XLARGE", "2x-large-hicpu")]
    assert sizes == [1, 5, 10, 50, 100, 200]
