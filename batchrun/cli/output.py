"""Where words go: people or a program, decided once. The only writer of standard output."""

import io
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from batchrun.cli.text import inert, masked, one_line
from batchrun.errors import Problem

__all__ = ["Output", "Table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text under a head; the columns named in ``right`` hold numbers."""

    title: str = ""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[str] = frozenset()


class Output:
    """Results go to standard output, everything else to standard error; with ``--json`` the result is one document."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.out = _stream(sys.stdout)
        self.err = _stream(sys.stderr)
        self.stdout_closed = False
        """True when whoever read standard output has gone; nothing more need be made for them."""
        self._results = _console(self.err if as_json else self.out)
        self.terminal = _console(self.err)

    @property
    def is_terminal(self) -> bool:
        """Whether progress can be drawn: standard error is a terminal that knows how to move its cursor."""
        return _is_live(self.err)

    @property
    def draws_results(self) -> bool:
        """Whether results go to a terminal, where a picture is more than its numbers."""
        return _is_live(self.err if self.as_json else self.out)

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to answer a question."""
        return not self.as_json and _is_live(self.err) and sys.stdin is not None and sys.stdin.isatty()

    def say(self, text: str = "", *, style: str = "") -> None:
        """One line of the result, for people; goes to standard error when a document is wanted."""
        self._print(self.err if self.as_json else self.out, one_line(text), style)

    def tell(self, text: str, *, style: str = "") -> None:
        """One line beside the result; left out when asked to be quiet."""
        if not self.quiet:
            self._print(self.err, one_line(text), style)

    def urge(self, text: str) -> None:
        """One line that is said even when asked to be quiet."""
        self._print(self.err, one_line(text), "bold")

    def ask(self, question: str) -> bool:
        """Whether a person says yes; no answer is a no."""
        self.err.write(f"{one_line(question)} [y/N] ")
        self.err.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def warn(self, problem: Problem) -> None:
        """Something that a person should know, and that stops nothing."""
        self._print(self.err, f"note: {one_line(problem.text())}", "yellow")

    def error(self, problem: Problem) -> None:
        """Something that stopped the work."""
        self._print(self.err, f"error: {one_line(problem.text())}", "red")

    def table(self, table: Table) -> None:
        """A table of the result, for people."""
        stream = self.err if self.as_json else self.out
        if not _is_live(stream):
            for line in _plain_lines(table):
                self._print(stream, line)
        else:
            self._results.print(_rich_table(table), markup=False, highlight=False, emoji=False)

    def document(self, value: dict[str, Any]) -> None:
        """The one JSON document, where one is wanted."""
        if self.as_json:
            self._print(self.out, masked(json.dumps(value, indent=2, ensure_ascii=True)))

    def raw_line(self, text: str) -> None:
        """A line of standard output exactly as it is: data for another program."""
        self._print(self.out, masked(text))

    def flush(self) -> None:
        for stream in (self.out, self.err):
            self._guarded(stream, stream.flush)

    def _print(self, stream: TextIO, line: str, style: str = "") -> None:
        console = self.terminal if stream is self.err else self._results
        if console.is_terminal:  # it knows what is drawn there, and keeps out of its way
            self._guarded(stream, lambda: console.print(Text(line, style=style), soft_wrap=True))
        else:
            self._guarded(stream, lambda: stream.write(line + "\n"))

    def _guarded(self, stream: TextIO, write: Any) -> None:  # noqa: ANN401 - a call without arguments
        """Write and flush; when nobody reads any more, go on without them: the batch matters more than its words."""
        if stream is self.out and self.stdout_closed:
            return
        try:
            write()
            stream.flush()
        except OSError as error:
            if stream is self.out:
                self.stdout_closed = True
                if not isinstance(error, BrokenPipeError):
                    self.warn(Problem("standard output", f"cannot be written: {error.strerror}"))
            _send_to_nowhere(stream)


def _stream(stream: TextIO | None) -> TextIO:
    """The stream, if there is one; characters that its encoding lacks are written as escapes."""
    if stream is None:
        return io.StringIO()
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _send_to_nowhere(stream: TextIO) -> None:
    """Let the interpreter flush what is left without a complaint when it ends."""
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
    except (OSError, ValueError):
        return


def _is_live(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM", "") not in {"dumb", ""}


def _console(stream: TextIO) -> Console:
    return Console(file=stream, markup=False, highlight=False, emoji=False, force_terminal=_is_live(stream))


def _rich_table(table: Table) -> RichTable:
    drawn = RichTable(title=inert(table.title) or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in table.head:
        drawn.add_column(Text(name), justify="right" if name in table.right else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(one_line(cell)) for cell in row))
    return drawn


def _plain_lines(table: Table) -> Iterable[str]:
    """Columns aligned with spaces, nothing wrapped: for files, pipes and grep."""
    rows = [table.head, *(tuple(one_line(cell) for cell in row) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [name in table.right for name in table.head]
    if table.title:
        yield one_line(table.title)
    for row in rows:
        cells = zip(row, widths, right, strict=True)
        yield "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width) for cell, width, is_right in cells
        ).rstrip()
