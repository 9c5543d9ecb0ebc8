"""Positive controls: which runs a list must show to be believed."""

from typing import Any

import pytest

from batchrun.engine.sending.controls import EVERY_S, MOST, Controls
from batchrun.wherobots.summaries import RunSummary
from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend


async def test_one_run_in_a_while_is_kept_and_all_are_counted(clock: VirtualClock) -> None:
    controls = Controls()
    for n in range(10):
        controls.add(f"r{n}", f"run-{n}", "r")
        clock.advance(EVERY_S / 4)
    assert controls.created == 10
    assert [one.run_id for one in controls.later_than(0.0)] == ["r0", "r4", "r8"]


async def test_only_the_latest_are_kept(clock: VirtualClock) -> None:
    controls = Controls()
    for n in range(MOST + 2):
        controls.add(f"r{n}", f"run-{n}", "r")
        clock.advance(EVERY_S)
    kept = controls.later_than(0.0)
    assert (len(kept), kept[0].run_id) == (MOST, "r2")


async def test_a_control_counts_for_losses_before_it(clock: VirtualClock) -> None:
    controls = Controls()
    controls.add("early", "run-1", "r")
    lost_at_s = clock.now_s
    clock.advance(EVERY_S)
    controls.add("late", "run-2", "r")
    assert [one.run_id for one in controls.later_than(lost_at_s)] == ["late"]


async def test_a_run_listed_under_another_name_is_no_control() -> None:
    """A service that writes names in another way does not show what is looked for by name either."""
    controls = Controls()
    controls.add("r1", "run-1", "r")
    assert controls.shown_by([RunSummary(id="r1", name="run-1"), RunSummary(id="r2", name="run-1")]) == {"r1"}
    assert controls.shown_by([RunSummary(id="r1", name="RUN-1"), RunSummary(id="r1", name=None)]) == set()


async def test_the_organization_is_waited_for_until_a_run_proves_it(clock: VirtualClock) -> None:
    controls = Controls(is_same_organization=False)
    began_s = clock.now_s
    await controls.wait_organization_proven(20.0)
    assert clock.now_s - began_s == pytest.approx(20.0, abs=0.01)
    assert not controls.is_same_organization
    controls.prove_organization()
    await controls.wait_organization_proven(20.0)
    assert clock.now_s - began_s == pytest.approx(20.0, abs=0.01), "at once"
    assert controls.is_same_organization
