"""Counts by axis values, as a table and as a heat map."""

import io

from rich.console import Console

from batchrun.cli.views.breakdown import breakdown_table, cell_style, cell_text, heat_map, heat_map_table
from batchrun.ledger.state import Outcome
from batchrun.report.breakdown import breakdown
from tests.report.rows import row

ROWS = [
    *(row(f"a{n}", point={"area": "eu", "year": 2021}) for n in range(4)),
    *(row(f"b{n}", "FAILED", point={"area": "us", "year": 2021}) for n in range(3)),
    row("c", "RUNNING", point={"area": "us", "year": 2022}),
    row("d", None, point={"area": "us", "year": 2022}, outcome=Outcome.PENDING, run_id=None),
]


def test_one_axis_is_a_table_with_the_share_of_failures() -> None:
    table = breakdown_table(breakdown(ROWS, ["area"]))
    assert table.head == ("area", "runs", "completed", "failed", "active", "not created", "failure rate")
    assert [tuple(cell.replace("\u00a0", " ") for cell in line) for line in table.rows] == [
        ("eu", "4", "4", "0", "0", "0", "0 %"),
        ("us", "5", "0", "3", "1", "1", "100 %"),
        ("all", "9", "4", "3", "1", "1", "43 %"),
    ]


def test_of_many_values_those_with_the_most_failures_are_shown() -> None:
    rows = [row(str(n), "FAILED" if n == 77 else "COMPLETED", point={"n": n}) for n in range(100)]
    table = breakdown_table(breakdown(rows, ["n"]))
    assert len(table.rows) == 42
    assert "77" in {line[0] for line in table.rows}
    assert table.rows[-2][:3] == ("60 others", "60", "60")


def test_two_axes_are_a_map_of_completed_and_failed_runs() -> None:
    table = heat_map_table(breakdown(ROWS, ["area", "year"]))
    assert table.head == ("area \\ year", "2021", "2022")
    assert table.rows == (("eu", "4/4", ""), ("us", "0/3 !3", "0/2"))


def test_a_map_can_be_turned_round() -> None:
    table = heat_map_table(breakdown(ROWS, ["area", "year"]).reversed())
    assert table.rows == (("2021", "4/4", "0/3 !3"), ("2022", "", "0/2"))


def test_the_map_of_a_terminal_says_the_same_without_colours() -> None:
    console = Console(file=io.StringIO(), width=60, color_system=None)
    console.print(heat_map(breakdown(ROWS, ["area", "year"])))
    assert isinstance(console.file, io.StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert lines[1:] == [["area", "\\", "year", "2021", "2022"], ["eu", "4/4"], ["us", "0/3", "!3", "0/2"]]


def test_a_cell_is_red_with_the_share_of_failures_and_green_where_all_is_well() -> None:
    cells = breakdown(ROWS, ["area", "year"]).cells
    assert cell_style(cells["us", "2021"]).bgcolor != cell_style(cells["eu", "2021"]).bgcolor
    assert cell_style(cells["us", "2022"]).bgcolor is None, "nothing has ended"
    assert cell_style(None).bgcolor is None
    assert cell_text(None) == ""
