"""The picture of a watch, as text."""

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from batchrun.cli.views.failures import failure_table
from batchrun.cli.views.watch import WatchSnapshot, change_line, detail_line, picture, segment_widths, status_parts
from batchrun.cli.watching import ended_before
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.state import Outcome
from batchrun.report.failures import FailureGroup
from batchrun.report.overrepresented import Overrepresented
from batchrun.tracking.changes import Change

SNAPSHOT = WatchSnapshot(
    name="tiles",
    planned=100,
    statuses={"COMPLETED": 50, "RUNNING": 20, "PENDING": 10, "FAILED": 5, "TIMED_OUT": 1, "QUEUED": 4},
    uncreated={Outcome.PENDING: 8, Outcome.REJECTED: 2},
    active=34,
    finished_per_s=0.05,
    left_s=700,
)


def change(status: str = "FAILED", **values: str) -> Change:
    return Change(key="k", name="tile-1", run_id="r1", status=status, before="RUNNING", **values)


def drawn(snapshot: WatchSnapshot, failures: list[Change], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(picture(snapshot, failures))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_picture_fits_its_width(width: int) -> None:
    failures = [change(message="java.lang.OutOfMemoryError: " + "Java heap space " * 20)] * 7
    lines = drawn(SNAPSHOT, failures, width)
    assert max(map(len, lines)) <= width
    assert sum("tile-1" in line for line in lines) == 5


def test_the_picture_says_what_there_is() -> None:
    lines = [line.replace("\u00a0", " ") for line in drawn(SNAPSHOT, [change(message="no data")], 120)]
    assert lines[0].startswith("tiles ####")
    assert lines[0].endswith("56/100 ended  56%")
    counts = "  50 COMPLETED  5 FAILED  2 rejected  1 TIMED_OUT  20 RUNNING  10 PENDING  4 QUEUED  8 not sent"
    assert lines[1].rstrip() == counts
    assert lines[2] == "  34 active; 3.0 finished per minute; about 12 min left"
    assert lines[3] == "  latest failures"
    assert lines[4].rstrip().endswith("tile-1 FAILED no data")


def test_what_is_not_known_is_left_out() -> None:
    empty = WatchSnapshot(name="x", planned=0, statuses={}, active=0)
    assert detail_line(empty) == "0 active"
    assert status_parts(empty) == []
    assert drawn(empty, [], 60)[0].endswith("0/0 ended 100%")
    waiting = WatchSnapshot(name="x", planned=1, statuses={"RUNNING": 1}, active=1, unrecorded=2, finished_per_s=3.0)
    assert detail_line(waiting) == (
        "1 active; 3.0 finished per second; 2 changes not recorded yet; the process that is writing the ledger will record them"
    )


def test_runs_that_ended_before_the_watch_are_no_rate_and_nor_is_anything_once_all_have_ended() -> None:
    done = change("COMPLETED", complete_time="2026-11-24T10:05:12Z")
    assert [ended_before(done, epoch_seconds(f"2026-11-24T10:05:{second}Z")) for second in (11, 12, 13)] == [
        False,
        False,
        True,
    ]
    assert not ended_before(change("gone"), 1e12)
    over = WatchSnapshot(name="x", planned=1, statuses={"COMPLETED": 1}, active=0, finished_per_s=700.0)
    assert detail_line(over) == "0 active"


def test_while_submitting_the_session_has_the_detail_line() -> None:
    submitting = WatchSnapshot(name="x", planned=2, statuses={"PENDING": 1}, active=1, submission="1 of 2 submitted")
    assert drawn(submitting, [], 60)[2] == "  1 of 2 submitted"


@given(st.lists(st.integers(0, 500), max_size=8), st.integers(0, 200))
def test_segments_fill_the_bar_and_show_whatever_there_is(counts: list[int], width: int) -> None:
    widths = segment_widths(counts, sum(counts), width)
    assert sum(widths) <= width
    if sum(counts) and width >= len(counts):
        assert sum(widths) == width
        assert [bool(one) for one in widths] == [bool(count) for count in counts]


def test_a_change_is_one_line() -> None:
    done = change("COMPLETED", start_time="2026-11-24T10:00:00Z", complete_time="2026-11-24T10:05:12Z")
    assert change_line(done)[8:] == " tile-1: RUNNING -> COMPLETED after 5 min 12 s"
    failed = change(code="RUN_FAIL_EXEC", message="exit 1")
    assert change_line(failed)[8:] == " tile-1: RUNNING -> FAILED (RUN_FAIL_EXEC): exit 1"
    nameless = Change(key="k", name="", run_id="r1", status="gone", before=None)
    assert change_line(nameless)[8:] == " r1: gone"


def group(number: int, message: str | None = "no data") -> FailureGroup:
    return FailureGroup(label="FAILED", code=None, message=message, runs=number, examples=("a",), traits=(), members=())


def test_the_largest_groups_of_failures_are_shown_and_the_others_counted() -> None:
    table = failure_table([group(n) for n in range(20, 0, -1)])
    assert len(table.rows) == 11
    assert table.rows[0] == ("20", "FAILED", "no data", "a, ...")
    assert table.rows[-1][:3] == ("55", "", "10 other reasons")
    assert len(failure_table([group(1, "x" * 900)]).rows[0][2]) == 200


def test_axis_values_have_a_column_only_if_some_stand_out() -> None:
    trait = Overrepresented(axis="region", value="us", failed=3, of=4, failed_elsewhere=0, of_elsewhere=8, p=0.01)
    assert failure_table([group(1)]).head == ("runs", "status", "reason", "examples")
    table = failure_table([replace(group(1), traits=(trait,)), group(1)])
    assert table.head == ("runs", "status", "reason", "stands out", "examples")
    assert [row[3] for row in table.rows] == [trait.describe(), ""]
