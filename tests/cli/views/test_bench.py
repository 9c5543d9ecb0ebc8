"""Figures, latencies and the histogram of a benchmark."""

from dataclasses import replace

import pytest

from batchrun.bench.figures import Bin, Figures, Latency
from batchrun.cli.output import Output
from batchrun.cli.views.bench import (
    BAR_WIDTH,
    bar,
    bench_document,
    figure_table,
    histogram_lines,
    latency_table,
    show_bench,
)
from batchrun.engine.progress import Progress
from batchrun.engine.stopping import Stop, StopReason
from batchrun.engine.submit import Submission
from batchrun.errors import Problem

LATENCY = Latency(count=2000, mean_s=0.006, percentiles_s=(0.0005, 0.0061, 0.12, 1.5), max_s=2.0)
FIGURES = Figures(
    runs=2000, submitted=2000, attempts=2000, retries=0, settled=0, refused={}, limit_per_s=None, plan_s=0.02,
    submit_s=0.5, cpu_s=0.242, peak_bytes=85_000_000, run=LATENCY, response=LATENCY, bins=(),
)  # fmt: skip
DONE = Submission(progress=Progress(planned=2000, submitted=2000), stop=None, notes=())


def test_a_figure_is_a_row_and_what_did_not_happen_has_none() -> None:
    assert [(row[0], row[1]) for row in figure_table(FIGURES).rows] == [
        ("throughput", "4,000.0 runs/s"),
        ("CPU time", "121 µs/run"),
        ("peak memory", "85 MB"),
        ("planning", "0.02 s"),
        ("retries", "0"),
    ]


def test_refusals_the_limit_found_and_settled_runs_have_rows_of_their_own() -> None:
    figures = replace(
        FIGURES, attempts=2010, retries=10, refused={"RATE_LIMIT_ERROR": 8, "409": 2}, limit_per_s=99.5, settled=3
    )
    assert figure_table(figures).rows[-4:] == (
        ("retries", "10", "10 of 2,010 attempts"),
        ("refused", "10", "8 RATE_LIMIT_ERROR, 2 409"),
        ("limit found", "99.5/s", "attempts per second that the service accepts"),
        ("settled", "3", "runs found by listing after a lost response"),
    )


def test_a_latency_has_about_three_digits_and_says_what_it_counts_from() -> None:
    run, request = latency_table(FIGURES, is_paced=False).rows
    assert run == ("run", "0.50 ms", "6.1 ms", "120 ms", "1,500 ms", "2,000 ms", "first attempt until known to exist")
    assert request[-1] == "sent until answered"
    assert latency_table(FIGURES, is_paced=True).rows[0][-1] == "scheduled start until known to exist"


def test_without_a_response_there_is_no_latency() -> None:
    run, _ = latency_table(replace(FIGURES, run=None), is_paced=False).rows
    assert run[1:-1] == ("-",) * 5


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0.0, ""), (1.0, "█" * BAR_WIDTH), (0.5, "█" * (BAR_WIDTH // 2)), (1e-6, "▏"), (1.5 / BAR_WIDTH, "█▌")],
)
def test_a_bar_is_drawn_in_eighths_and_any_share_is_visible(share: float, drawn: str) -> None:
    assert bar(share).rstrip() == drawn


def test_the_histogram_is_aligned_and_plain_where_the_encoding_has_no_blocks() -> None:
    bins = [Bin(0.008, 0.01, 4), Bin(0.01, 0.012, 2)]
    first, second = histogram_lines(bins, "ascii")
    assert first == f"   8 to 10 ms  {'#' * BAR_WIDTH}  4"
    assert second == f"  10 to 12 ms  {'#' * (BAR_WIDTH // 2):<{BAR_WIDTH}}  2"
    assert "█" in next(iter(histogram_lines(bins, "UTF-8")))
    assert list(histogram_lines([], "utf-8")) == []


@pytest.mark.parametrize(
    ("reason", "note"),
    [
        (StopReason.UNREACHABLE, "note: place: fact; fix it and run the benchmark again\n"),
        (StopReason.INTERRUPTED, "note: place: fact\n"),
    ],
)
def test_a_stop_is_reported_without_advice_to_resume(
    reason: StopReason, note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(planned=2000, submitted=5, pending=1995)
    stopped = Submission(progress=progress, stop=Stop(reason, Problem("place", "fact", "resume it")), notes=())
    show_bench(replace(FIGURES, submitted=5), stopped, Output(), is_paced=False)
    printed = capsys.readouterr()
    assert "Not every run was submitted" in printed.out
    assert printed.err == note


def test_the_document_holds_the_setting_the_figures_and_the_outcomes() -> None:
    document = bench_document(FIGURES, DONE, setting={"service": "emulator"}, exit_status=0)
    assert document["setting"]["service"] == "emulator"
    assert document["setting"]["cpus"] >= 1
    assert document["runs_per_s"] == 4000
    assert document["outcomes"]["submitted"] == 2000
    assert document["exit_status"] == 0
