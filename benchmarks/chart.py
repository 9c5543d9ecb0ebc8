"""The figures as a picture for the README: who submits how fast, and what growth costs.

python -m benchmarks.chart [RESULTS-JSON]    draws again what was measured, beside the results
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.rows import GROWING, ONE_RUN, SUBMITTING, Row

RESULTS = Path(__file__).parent / "results" / "results.json"

OURS, THEIRS, INK, FAINT = "#1f6f54", "#b9c4cc", "#24292f", "#d0d7de"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "batchrun",  # the same figures, the same file
    "svg.fonttype": "path",  # it looks the same wherever it is shown
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def draw(peers: list[Row], growth: list[Row], start_cpu_s: float, path: Path) -> None:
    """Write an SVG: a bar for each contender, and CPU time without start-up, and peak memory, at each size of batch."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.6), layout="constrained", facecolor="white")
        left, middle, right = figure.subplots(1, 3, width_ratios=[2.2, 1, 1])
        _contenders(left, peers)
        sizes = [_size(row.count) for row in growth]
        beyond = [((row.cpu_s or 0.0) - start_cpu_s) / row.count * 1e6 for row in growth]
        _steps(middle, sizes, beyond, "CPU per run, µs", "runs; start-up excluded")
        _steps(right, sizes, [row.peak_mb or 0.0 for row in growth], "peak memory, MB", "runs")
        figure.savefig(path, metadata={"Date": None, "Creator": None})


def _contenders(axes: Axes, peers: list[Row]) -> None:
    ordered = sorted(peers, key=lambda row: row.per_s)
    names = [f"{row.name}\nall checks on, durable ledger" if _is_ours(row) else row.name for row in ordered]
    bars = axes.barh(
        names, [row.per_s for row in ordered], color=[OURS if _is_ours(row) else THEIRS for row in ordered]
    )
    axes.bar_label(bars, [f"{row.per_s:,.0f}" for row in ordered], padding=4)
    axes.set_title("runs per second, up to 64 connections", loc="left")
    axes.margins(x=0.14)
    _bare(axes)
    axes.xaxis.set_visible(False)


def _steps(axes: Axes, sizes: list[str], values: list[float], title: str, label: str) -> None:
    bars = axes.bar(sizes, values, color=OURS, width=0.6)
    axes.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3)
    axes.set_title(title, loc="left")
    axes.set_xlabel(label)
    axes.margins(y=0.14)
    _bare(axes)
    axes.yaxis.set_visible(False)


def _bare(axes: Axes) -> None:
    axes.tick_params(length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _is_ours(row: Row) -> bool:
    return row.name.startswith("batchrun")


def _size(count: int) -> str:
    return f"{count // 1_000_000}M" if count >= 1_000_000 else f"{count // 1000}k"


if __name__ == "__main__":
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    rows = [Row.from_json(one) for one in json.loads(results.read_text("utf-8"))["rows"]]
    draw(
        [row for row in rows if row.group.startswith(SUBMITTING)],
        [row for row in rows if row.group == GROWING],
        next((row.cpu_s or 0.0) for row in rows if row.name == ONE_RUN),
        results.with_name("throughput.svg"),
    )
