"""What goes to which stream, and that none of it can harm a terminal."""

import errno
import io
import json
import re

import pytest
from typing_extensions import override

from batchrun.cli.output import Output, Table
from batchrun.errors import Problem

EVIL = "\x1b]0;owned\x07\x1b[31m[bold]red[/bold]\r:boom:"
WRITTEN_OUT = r"\x1b]0;owned\x07\x1b[31m[bold]red[/bold]\x0d:boom:"
OWN_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    """A stream whose reader has left, or whose disk is full."""

    number = errno.EPIPE

    @override
    def write(self, text: str) -> int:
        raise OSError(self.number, "no more")


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Both streams become one terminal; in the test itself, for pytest sets its own between a fixture and a test."""
    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    return stream


TABLE = Table(title=EVIL, head=("name", "runs"), rows=((EVIL, "1"),), right=frozenset({"runs"}))


def say_everything(output: Output) -> None:
    output.say(EVIL, style="bold")
    output.tell(EVIL)
    output.urge(EVIL)
    output.warn(Problem(EVIL, EVIL, EVIL))
    output.error(Problem(EVIL, EVIL, EVIL))
    output.table(TABLE)


def test_nothing_from_outside_moves_the_cursor_or_colours_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    say_everything(Output())
    printed = OWN_ESCAPES.sub("", terminal.getvalue())
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "\r" not in printed
    assert printed.count("[bold]red[/bold]") >= 6
    assert "💥" not in printed


def test_no_color_means_no_styling_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    output = Output()
    say_everything(output)
    assert "\x1b" not in terminal.getvalue()
    assert not output.is_terminal
    assert not output.draws_results
    assert output.can_ask  # a person is there all the same
    monkeypatch.setenv("NO_COLOR", "")  # only a value counts, says no-color.org
    assert Output().is_terminal


def test_very_long_texts_do_not_make_plain_tables_wide(capsys: pytest.CaptureFixture[str]) -> None:
    name, message = "n" * 255, "no " * 2000
    Output().table(Table(head=("name", "message"), rows=((name, message), ("b", "c"))))
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) == 255 + 2 + 120
    assert printed[1].startswith(name)
    assert printed[1].endswith("...")


def test_wide_characters_keep_plain_columns_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(Table(head=("name", "runs"), rows=(("東京", "1"), ("nyc-1", "2"))))
    assert capsys.readouterr().out.splitlines() == ["name   runs", "東京   1", "nyc-1  2"]


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stdin", Terminal())
    output = Output()
    assert (output.is_terminal, output.can_ask) == (False, True)
    say_everything(output)
    assert "\x1b" not in terminal.getvalue()


def test_elsewhere_lines_are_plain_and_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 20
    output = Output()
    output.table(Table(head=("name", "runs"), rows=((long, "1"), ("b", "1,000")), right=frozenset({"runs"})))
    output.say(EVIL)
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == f"{long}      1"
    assert printed[2].split() == ["b", "1,000"]
    assert printed[3] == WRITTEN_OUT


def test_a_document_is_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    say_everything(output)
    output.document({"message": EVIL})
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"message": EVIL}
    assert "\x1b" not in printed.out
    assert printed.err.count(WRITTEN_OUT) >= 6


def test_quiet_leaves_out_progress_and_keeps_notes_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(quiet=True)
    output.tell("by the way")
    output.warn(Problem("place", "fact"))
    output.error(Problem("place", "fact", "fix"))
    assert capsys.readouterr().err == "note: place: fact\nerror: place: fact; fix\n"


def test_the_key_is_masked_in_every_form(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEROBOTS_API_KEY", "wbk-0123456789")
    output = Output(as_json=True)
    output.say("key wbk-0123456789")
    output.table(Table(head=("a",), rows=(("wbk-0123456789",),)))
    output.document({"message": "your key wbk-0123456789"})
    output.raw_line("wbk-0123456789")
    printed = capsys.readouterr()
    assert "wbk-0123456789" not in printed.out + printed.err


def test_when_nobody_reads_any_more_the_rest_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Gone())
    output = Output()
    output.say("first")
    assert output.stdout_closed
    output.say("second")


def test_a_full_disk_under_stdout_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = Gone()
    stream.number = errno.ENOSPC
    monkeypatch.setattr("sys.stdout", stream)
    output = Output()
    output.say("first")
    output.say("second")
    assert capsys.readouterr().err == "note: stdout: cannot be written: no more\n"


def test_closed_streams_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    say_everything(Output())


@pytest.mark.parametrize(("width", "is_cut"), [(60, True), (30, False)])
def test_a_long_name_is_cut_where_that_keeps_each_row_on_one_line(
    monkeypatch: pytest.MonkeyPatch, width: int, is_cut: bool
) -> None:
    name = "a-sweep-with-a-long-name.ledger.jsonl"
    monkeypatch.setenv("COLUMNS", str(width))
    terminal = on_terminal(monkeypatch)
    rows = ((name, "1,000", "2026-11-25 22:28"), (name, "7", "2026-11-24 02:28"))
    Output().table(Table(head=("ledger", "planned", "last event"), rows=rows, cut="ledger"))
    shown = OWN_ESCAPES.sub("", terminal.getvalue()).splitlines()
    assert all(len(line) <= width for line in shown)
    whole = [line for line in shown if "…" in line and line.rstrip().endswith("02:28")]
    assert (len(whole) == 1) is is_cut
    assert any("22:28" in line and "2026" not in line for line in shown) is not is_cut


@pytest.mark.parametrize(("width", "columns"), [(60, 3), (38, 2), (20, 1)])
def test_columns_that_can_be_spared_are_left_out_before_rows_wrap(
    monkeypatch: pytest.MonkeyPatch, width: int, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    terminal = on_terminal(monkeypatch)
    rows = (("a-sweep-with-a-name.ledger.jsonl", "1,000", "2026-11-25 22:28"),)
    head = ("ledger", "planned", "last event")
    spare = ("active", "last event", "planned") if columns == 1 else ("active", "last event")
    Output().table(Table(head=head, rows=rows, cut="ledger", spare=spare))
    header, *_, row = [line for line in OWN_ESCAPES.sub("", terminal.getvalue()).splitlines() if line.strip()]
    assert [name for name in head if name in header] == list(head[:columns])
    assert ("1,000" in row, "22:28" in row) == (columns > 1, columns > 2)


@pytest.mark.parametrize("columns", ["0", "1", "-3", "wide"])
def test_a_terminal_of_impossible_width_shows_tables_all_the_same(
    monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal = on_terminal(monkeypatch)
    Output().table(Table(head=("name", "runs"), rows=(("job-1", "7"),)))
    assert "job-1" in terminal.getvalue()
