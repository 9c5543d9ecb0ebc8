"""Where an estimate's figures come from: published units, the service's hints, an earlier batch."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchrun.cli.loading import load
from batchrun.errors import UsageError
from batchrun.ledger.location import EMULATOR
from batchrun.report.estimate import Earlier, Estimate, durations_by_runtime, estimate
from batchrun.sweep.plan import Plan
from batchrun.wherobots.facts import Hints
from batchrun.wherobots.units import units_of

__all__ = ["estimate_of"]


def estimate_of(plan: Plan, *, like: Path | None = None, hints: Hints | None = None) -> Estimate:
    """The estimate of a plan. ``like`` is the ledger of an earlier batch, ``hints`` what the service says of runtimes.

    Raises:
        UsageError: the ledger has too few finished runs, or none with a runtime of the plan.
        LedgerError: the ledger cannot be read.

    """
    units, price = units_of(hints), plan.cost.usd_per_unit
    if like is None:
        return estimate(plan.demands, units, usd_per_unit=price)
    earlier = _earlier(plan, like)
    return estimate(plan.demands, units, usd_per_unit=price, earlier=earlier, points=_points(plan))


def _earlier(plan: Plan, like: Path) -> Earlier:
    batch = load("batchrun.report.rows:read_rows")(like)
    runtimes = load("batchrun.engine.preflight.earlier_runs:runtimes_of")(batch.state, like)
    axes: dict[str, Any] = next((json.loads(run.point_json) for run in plan), {})
    durations = durations_by_runtime(batch.rows, runtimes, axes)
    if not durations:
        fact = "it has fewer than three completed runs whose times are known"
        raise UsageError(f"--like {like}", fact, "follow that batch until it ends first: batchrun watch")
    asked = sorted({one.runtime for one in plan.demands})
    earlier = Earlier(
        durations=durations, is_emulated=batch.state.batch is not None and batch.state.batch.base_url == EMULATOR
    )
    if not any(earlier.of(runtime) for runtime in asked):
        used = ", ".join(sorted(filter(None, durations)))
        fact = f"its completed runs used {used}, but this sweep uses {', '.join(asked)}; durations on other runtimes are not comparable"
        raise UsageError(f"--like {like}", fact, "estimate without it, or pass a ledger of runs with these runtimes")
    return earlier


def _points(plan: Plan) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    for run in plan:
        # Not as a model: validating each of a million payloads takes far longer than reading two of its fields.
        payload = json.loads(run.body)
        yield payload["runtime"], payload["timeoutSeconds"], json.loads(run.point_json)
