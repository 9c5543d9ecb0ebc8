"""Runs as lines that fit a terminal."""

from batchrun.cli.views.runs import run_lines
from batchrun.report.columns import COLUMNS
from tests.report.rows import row


def test_a_name_that_does_not_fit_keeps_its_end_which_tells_runs_apart() -> None:
    rows = [row(f"cascades-north-{year}") for year in (2023, 2024)]
    columns = [COLUMNS["name"], COLUMNS["status"]]
    _, *lines = run_lines(rows, columns, 27)
    assert lines == ["run-cas…rth-2023  COMPLETED", "run-cas…rth-2024  COMPLETED"]
    assert list(run_lines(rows, columns, None))[1] == "run-cascades-north-2023  COMPLETED"
