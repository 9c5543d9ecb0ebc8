"""The table of runs: failed ones first, no more than has room, and every row with what the script filters by."""

import re
from collections.abc import Sequence

from batchrun.ledger.fold import Outcome
from batchrun.report.axis_bins import binned_axes
from batchrun.report.html.run_links import run_link
from batchrun.report.html.run_table import LEAST_ROOM, MAX_ROWS, RunTable, run_table
from batchrun.report.rows import RunRow
from tests.report.rows import row


def table(rows: Sequence[RunRow], *, room: int = 10**7, url: str | None = None) -> RunTable:
    return run_table(
        rows,
        axes=binned_axes([one.point for one in rows]),
        reason_number=lambda one: 7 if one.status == "FAILED" else None,
        link=lambda one: run_link(one, url),
        currency=None,
        room=room,
    )


def names(found: RunTable) -> list[str]:
    return re.findall(r"<th scope=row>([^<]*)", found.rows)


def test_what_went_wrong_comes_first_and_what_went_well_last() -> None:
    rows = [
        row("a", "COMPLETED"),
        row("b", "CANCELLED"),
        row("c", "RUNNING"),
        row("d", None, outcome=Outcome.UNKNOWN, run_id=None),
        row("e", "FAILED"),
        row("f", "COMPLETED"),
    ]
    assert names(table(rows)) == ["run-e", "run-d", "run-c", "run-b", "run-a", "run-f"]


def test_a_row_holds_its_reason_its_bins_and_its_times() -> None:
    times = {"created_s": 100.0, "started_s": 133.0, "completed_s": 476.0}
    one = row("a", "FAILED", code="RUN_FAIL_EXEC", message="boom <b>", point={"year": 2024, "res": 10}, **times)
    found = table([one, row("b", point={"year": 2023, "res": 10})])
    assert found.columns[:4] == (("Run", "text"), ("Status", "text"), ("year", "text"), ("res", "text"))
    assert found.rows.splitlines()[0] == (
        "<tr class=failed data-k=7,1,0><th scope=row>run-a<td>FAILED<td>2024<td>10<td>0:33<td>5:43"
        "<td>boom &lt;b&gt;<td>id-a"
    )


def test_run_ids_are_links_where_the_console_is_known() -> None:
    found = table([row("a", run_id="r/1?&")], url="https://c.example/{run_id}")
    assert '<a href="https://c.example/r%2F1%3F%26">r/1?&amp;</a>' in found.rows


def test_there_are_no_more_rows_than_a_browser_can_sort() -> None:
    found = table([row(str(number)) for number in range(MAX_ROWS + 1)])
    assert (found.shown, found.total) == (MAX_ROWS, MAX_ROWS + 1)


def test_long_rows_are_fewer() -> None:
    rows = [row(str(number), "FAILED", message="x" * 500, point={"a": "é" * 50}) for number in range(4_000)]
    found = table(rows, room=0)
    assert len(found.rows.encode()) <= LEAST_ROOM
    assert 1_000 < found.shown < 4_000
