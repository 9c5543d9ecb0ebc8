"""Everything that commands print, for people or as JSON. Nothing else writes to stdout."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from batchrun.cli.streams import lose_output
from batchrun.cli.text import masked, one_line, sanitized
from batchrun.errors import Problem, UsageError

__all__ = ["Output", "Table"]

UNBOUNDED = 100_000
"""Wider than any drawing."""
LEAST_CUT = 8
"""Minimum width, in characters, that a truncated column keeps; if it does not fit, cells are wrapped instead."""
LEAST_WIDTH = 20
"""Of a terminal, whatever it says: in no columns, as with ``COLUMNS=0``, nothing would be shown."""
GAP = 2
"""Spaces between the columns of a table, and around it."""
LONGEST_TEXT = 120
LONGEST_WORD = 255
"""Names and ids are for copying, so they are not cut: no name is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text under a header; columns named in ``right`` are right-aligned."""

    title: str = ""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[str] = frozenset()
    cut: str = ""
    """The column that is cut where a terminal is too narrow, so that each row is one line; empty: cells are wrapped."""
    spare: tuple[str, ...] = ()
    """Columns left out, in this order, where cutting is not enough."""

    def without_empty(self, *names: str) -> "Table":
        """The table without those of these columns in which no row has text."""
        table = self
        for name in names:
            if not any(row[table.head.index(name)] for row in table.rows):
                table = table.without(name)
        return table

    def without(self, name: str) -> "Table":
        """The table without a column."""
        at = self.head.index(name)
        rows = tuple((*row[:at], *row[at + 1 :]) for row in self.rows)
        return replace(self, head=(*self.head[:at], *self.head[at + 1 :]), rows=rows)


class Output:
    """Results go to stdout, everything else to stderr; with ``--json`` stdout holds one JSON document and nothing else."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False, holds_data: bool = False) -> None:
        """``holds_data``: stdout carries a file, as with ``-o -``, so that everything else goes to stderr."""
        self.as_json = as_json
        self.quiet = quiet
        self.out = _stream(sys.stdout)
        self.err = _stream(sys.stderr)
        self.stdout_closed = False
        """True once the reader of stdout is gone, as in ``batchrun plan --all | head``; producers may stop."""
        self._result = self.err if as_json or holds_data else self.out
        self._results = _console(self._result)
        self.terminal = _console(self.err)

    @property
    def is_terminal(self) -> bool:
        """Whether progress can be drawn: stderr is a terminal that can move its cursor, and may be styled."""
        return _is_styled(self.err)

    @property
    def draws_results(self) -> bool:
        """Whether results go to a terminal, where charts are worth drawing."""
        return _is_styled(self._result)

    @property
    def result_width(self) -> int | None:
        """Columns of the terminal that results go to; None where they go to a file or a pipe, which have no width."""
        return self._results.width if self.draws_results else None

    @property
    def can_ask(self) -> bool:
        """Whether a prompt can be answered."""
        return not self.as_json and self.err.isatty() and sys.stdin is not None and sys.stdin.isatty()

    def say(self, text: str = "", *, style: str = "") -> None:
        """Print a line of the result; with ``--json`` it goes to stderr."""
        self._print(self._result, one_line(text), style)

    def tell(self, text: str, *, style: str = "") -> None:
        """Print a line of progress or context; hidden by ``--quiet``."""
        if not self.quiet:
            self._print(self.err, one_line(text), style)

    def urge(self, text: str) -> None:
        """Print a line even with ``--quiet``, because someone is waiting for it."""
        self._print(self.err, one_line(text), "bold")

    def ask(self, question: str) -> bool:
        """Whether the user confirms; anything but yes, including an empty line, means no."""
        # Not input(): it asks on stdout, where a pipe may be listening.
        self.err.write(f"{one_line(question)} [y/N] ")
        self.err.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Whether something that costs money or ends work may be done: ``yes``, or the user's answer.

        Raises:
            UsageError: there is no terminal to ask on.

        """
        if yes:
            return True
        if not self.can_ask:
            raise UsageError("--yes", f"cannot ask '{question}' without a terminal", "pass --yes to confirm")
        return self.ask(question)

    def warn(self, problem: Problem) -> None:
        """Print a problem that is worth knowing but stops nothing."""
        self._print(self.err, f"note: {one_line(problem.text())}", "yellow")

    def error(self, problem: Problem) -> None:
        """Print a problem that stopped the command."""
        self._print(self.err, f"error: {one_line(problem.text())}", "red")

    def table(self, table: Table) -> None:
        """Print a table of the result."""
        stream = self._result
        if not _is_styled(stream):
            for line in _plain_lines(table):
                self._print(stream, line)
        else:
            self._results.print(_rich_table(table, self._results.width), markup=False, highlight=False, emoji=False)

    def fits(self, drawing: RenderableType) -> bool:
        """Whether a drawing is not wider than the terminal that results go to."""
        unbounded = self._results.options.update(max_width=UNBOUNDED)
        return self._results.measure(drawing, options=unbounded).maximum <= self._results.width

    def draw(self, drawing: RenderableType) -> None:
        """Print a drawing of the result on a terminal; its text is already sanitized."""
        self._results.print(drawing, markup=False, highlight=False, emoji=False)

    def document(self, value: dict[str, Any]) -> None:
        """Print the JSON document, only with ``--json``."""
        if self.as_json:
            # ASCII only: valid in every encoding, and no character in it can act on a terminal.
            self._print(self.out, masked(json.dumps(value, indent=2, ensure_ascii=True)))

    def json_line(self, value: dict[str, Any]) -> None:
        """Print one of a stream of JSON documents, each on its own line, only with ``--json``."""
        if self.as_json:
            self._print(self.out, masked(json.dumps(value, ensure_ascii=True)))

    def raw_line(self, text: str) -> None:
        """Print a line of data for another program, unchanged except that the API key is masked."""
        self._print(self.out, masked(text))

    def flush(self) -> None:
        for stream in (self.out, self.err):
            self._guarded(stream, stream.flush)

    def _print(self, stream: TextIO, line: str, style: str = "") -> None:
        console = self.terminal if stream is self.err else self._results
        if console.is_terminal:  # rich prints above the live progress display instead of through it
            self._guarded(stream, lambda: console.print(Text(line, style=style), soft_wrap=True))
        else:
            self._guarded(stream, lambda: stream.write(line + "\n"))

    def _guarded(self, stream: TextIO, write: Callable[[], object]) -> None:
        """Write and flush. A closed pipe or a full disk must not stop a batch, so output is dropped from then on."""
        if stream is self.out and self.stdout_closed:
            return
        try:
            write()
            stream.flush()
        except OSError as error:
            if stream is self.out:
                self.stdout_closed = True
                lose_output(error)
                if not isinstance(error, BrokenPipeError):
                    self.warn(Problem("stdout", f"cannot be written: {error.strerror}"))
            _redirect_to_devnull(stream)


def _stream(stream: TextIO | None) -> TextIO:
    """The stream, or a sink when it was closed before the start; characters its encoding lacks become escapes."""
    if stream is None:  # as after `batchrun ... >&-`
        return io.StringIO()
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _redirect_to_devnull(stream: TextIO) -> None:
    """Let the interpreter flush what is still buffered at exit without an error."""
    try:
        with Path(os.devnull).open("wb") as devnull:
            os.dup2(devnull.fileno(), stream.fileno())
    except (OSError, ValueError):
        return


def _is_capable_terminal(stream: TextIO) -> bool:
    """A terminal that understands cursor movement and color; editors and CI systems say ``TERM=dumb``."""
    return stream.isatty() and os.environ.get("TERM", "") not in {"dumb", ""}


def _is_styled(stream: TextIO) -> bool:
    """Whether colors, bold text and a progress display may be used; with ``NO_COLOR`` (no-color.org), plain lines are."""
    return _is_capable_terminal(stream) and not os.environ.get("NO_COLOR")


def _console(stream: TextIO) -> Console:
    # Decided here, and not by rich, which also looks at variables such as FORCE_COLOR.
    console = Console(file=stream, markup=False, highlight=False, emoji=False, force_terminal=_is_styled(stream))
    console.width = max(console.width, LEAST_WIDTH)
    return console


def _rich_table(table: Table, width: int) -> RichTable:
    for name in table.spare:
        if _least_width(table) > width and name in table.head:
            table = table.without(name)
    widths = _widths(table)
    rigid = [name != table.cut for name in table.head]  # rich narrows only columns that it may wrap
    is_cut = bool(table.cut) and _least_width(table) <= width
    grid = RichTable(
        title=sanitized(table.title) or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        collapse_padding=is_cut,
    )
    for name, size, is_rigid in zip(table.head, widths, rigid, strict=True):
        grid.add_column(
            Text(name),
            justify="right" if name in table.right else "left",
            overflow="ellipsis" if is_cut else "fold",
            no_wrap=is_cut and is_rigid,
            min_width=size if is_cut and is_rigid else None,
        )
    for row in table.rows:
        grid.add_row(*(Text(one_line(cell)) for cell in row))
    return grid


def _widths(table: Table) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(table.head, *table.rows, strict=True)]


def _least_width(table: Table) -> int:
    """Columns of a terminal that the table needs, with its longest column cut."""
    sizes = zip(table.head, _widths(table), strict=True)
    return sum(LEAST_CUT if name == table.cut else size for name, size in sizes) + GAP * (len(table.head) + 1)


def _plain_lines(table: Table) -> Iterable[str]:
    """Columns aligned with spaces and never wrapped, for files, pipes and grep; very long texts are cut."""
    # Cells hold text from the service; one_line keeps each of them on its row.
    rows = [table.head, *(tuple(_bounded(one_line(cell)) for cell in row) for row in table.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    right = [name in table.right for name in table.head]
    if table.title:
        yield one_line(table.title)
    for row in rows:
        cells = zip(row, widths, right, strict=True)
        yield "  ".join(
            f"{_blanks(cell, width)}{cell}" if is_right else f"{cell}{_blanks(cell, width)}"
            for cell, width, is_right in cells
        ).rstrip()


def _bounded(cell: str) -> str:
    """Bound text from the service: thousands of characters would widen every row. --json has all of it."""
    longest = LONGEST_TEXT if " " in cell else LONGEST_WORD
    return cell if len(cell) <= longest else f"{cell[: longest - 3]}..."


def _blanks(cell: str, width: int) -> str:
    return " " * (width - cell_len(cell))  # a character may take two columns, or none
