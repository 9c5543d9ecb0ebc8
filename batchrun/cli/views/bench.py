"""The result of a benchmark: figures, latencies and a histogram."""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from batchrun.bench.figures import PERCENTILES, Bin, Figures, Latency
from batchrun.cli.output import Output, Table
from batchrun.cli.text import numbered
from batchrun.cli.views.result import outcomes_of
from batchrun.cli.views.tables import outcome_table
from batchrun.engine.stopping import StopReason
from batchrun.engine.submit import Submission
from batchrun.errors import Problem

__all__ = ["bar", "bench_document", "figure_table", "histogram_lines", "latency_table", "show_bench"]

BAR_WIDTH = 40
BLOCKS = " ▏▎▍▌▋▊▉█"
"""A bar's last character in eighths, from none to full."""
ASCII_BLOCKS = " #"


def show_bench(figures: Figures, submission: Submission, output: Output, *, is_paced: bool) -> None:
    """The tables, a histogram on a terminal, and anything that went wrong."""
    progress = submission.progress
    output.table(figure_table(figures))
    output.table(latency_table(figures, is_paced=is_paced))
    if output.draws_results:
        for line in histogram_lines(figures.bins, output.out.encoding or ""):
            output.say(line)
    if figures.submitted != figures.runs:
        output.table(outcome_table("Not every run was submitted", outcomes_of(progress), progress.planned))
    if (stop := submission.stop) is not None:
        # The stop's own fix is to resume, which a benchmark cannot.
        is_signal = stop.reason in {StopReason.INTERRUPTED, StopReason.TERMINATED}
        fix = "" if is_signal else "fix it and run the benchmark again"
        output.warn(Problem(stop.problem.place, stop.problem.fact, fix))


def bench_document(
    figures: Figures, submission: Submission, *, setting: dict[str, Any], exit_status: int
) -> dict[str, Any]:
    """The figures as JSON, with the setting they were measured in."""
    outcomes = {outcome.value: count for outcome, count in outcomes_of(submission.progress).items()}
    machine = {"python": sys.version.split()[0], "cpus": os.cpu_count()}
    return {"setting": setting | machine, **figures.json(), "outcomes": outcomes, "exit_status": exit_status}


def figure_table(figures: Figures) -> Table:
    """One figure per row; what did not happen, such as refusals, is left out."""
    attempts = numbered(figures.attempts, "attempt")
    rows = [
        (
            "throughput",
            f"{figures.runs_per_s:,.1f} runs/s",
            f"{figures.submitted:,} submitted in {figures.submit_s:.2f} s",
        ),
        ("CPU time", f"{figures.cpu_per_run_s * 1e6:,.0f} µs/run", "this process: requests, ledger, progress"),
        ("peak memory", f"{figures.peak_bytes / 1e6:,.0f} MB", "this process, including the recorded latencies"),
        ("planning", f"{figures.plan_s:.2f} s", "not included in the throughput"),
        ("retries", f"{figures.retries:,}", f"{figures.retries:,} of {attempts}" if figures.retries else attempts),
    ]
    if figures.refused:
        reasons = ", ".join(f"{count:,} {code}" for code, count in figures.refused.items())
        rows.append(("refused", f"{sum(figures.refused.values()):,}", reasons))
    if figures.limit_per_s is not None:
        rows.append(("limit found", f"{figures.limit_per_s:,.1f}/s", "attempts per second that the service accepts"))
    if figures.settled:
        rows.append(("settled", f"{figures.settled:,}", "runs found by listing after a lost response"))
    return Table(head=("figure", "value", ""), rows=tuple(rows), right=frozenset({"value"}))


def latency_table(figures: Figures, *, is_paced: bool) -> Table:
    """Percentiles of runs and of single requests; paced runs count from their scheduled start."""
    start = "scheduled start" if is_paced else "first attempt"
    rows = (
        _latency_row("run", figures.run, f"{start} until known to exist"),
        _latency_row("request", figures.response, "sent until answered"),
    )
    head = ("latency", *(f"p{percent:g}" for percent in PERCENTILES), "max", "")
    return Table(head=head, rows=rows, right=frozenset(head[1:-1]))


def _latency_row(name: str, latency: Latency | None, measured: str) -> tuple[str, ...]:
    if latency is None:
        return (name, *("-" for _ in PERCENTILES), "-", measured)
    return (name, *(_milliseconds(value) for value in (*latency.percentiles_s, latency.max_s)), measured)


def _milliseconds(seconds: float) -> str:
    """Three significant digits, about."""
    value = seconds * 1e3
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"  # noqa: PLR2004 - three digits are enough


def histogram_lines(bins: Sequence[Bin], encoding: str) -> Iterator[str]:
    """A bar per bin of the runs' latency; block characters only where the encoding has them."""
    most = max((one.count for one in bins), default=0)
    bounds = [(f"{one.low_s * 1e3:g}", f"{one.high_s * 1e3:g}") for one in bins]
    width = max((len(bound) for pair in bounds for bound in pair), default=0)
    blocks = BLOCKS if "utf" in encoding.lower() else ASCII_BLOCKS
    for one, (low, high) in zip(bins, bounds, strict=True):
        yield f"  {low:>{width}} to {high:>{width}} ms  {bar(one.count / most, blocks):<{BAR_WIDTH}}  {one.count:,}"


def bar(share: float, blocks: str = BLOCKS) -> str:
    """A bar of up to ``BAR_WIDTH`` characters; any share above zero is visible."""
    steps = len(blocks) - 1
    filled = round(share * BAR_WIDTH * steps)
    whole, part = divmod(max(filled, 1 if share else 0), steps)
    return blocks[-1] * whole + (blocks[part] if part else "")
