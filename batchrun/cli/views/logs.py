"""Print log lines. They are untrusted text, so escape sequences are neutralized on a terminal."""

import time
from collections.abc import Mapping, Sequence

from batchrun.cli.output import Output
from batchrun.cli.text import numbered
from batchrun.tracking.log_cursor import LogLine

__all__ = ["LogPrinter", "show_groups"]

REPORT_EVERY_S = 5.0
NAMED = 5
LONGEST_LINE = 10_000
"""Characters of a line that a terminal is given; a pipe gets all of it."""


class LogPrinter:
    """Prints lines, and says now and then how many were read while none can be printed yet."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._read = 0
        self._next_s = time.monotonic() + REPORT_EVERY_S

    def begin(self, name: str, *, is_only: bool) -> None:
        """The name before a run's lines, where several runs are printed."""
        if not is_only:
            self._output.say(f"==> {name} <==")

    def line(self, line: LogLine) -> None:
        if self._output.as_json:
            return
        if self._output.draws_results:
            self._output.say(line.raw[:LONGEST_LINE] + ("…" if len(line.raw) > LONGEST_LINE else ""))
        else:
            self._output.raw_line(line.raw)

    def count(self) -> None:
        """A line was read and is kept back."""
        self._read += 1
        if (now_s := time.monotonic()) >= self._next_s:
            self._next_s = now_s + REPORT_EVERY_S
            self._output.tell(f"{numbered(self._read, 'line')} read")


def show_groups(groups: Mapping[str, Sequence[str]], tails: Mapping[str, Sequence[str]], output: Output) -> None:
    """Every error with the runs that end with it, and the last lines of the first of them."""
    for error, names in groups.items():
        output.say(f"{numbered(len(names), 'run')}: {error or 'no error in the last lines'}", style="bold")
        more = f", and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        output.say(f"  {', '.join(names[:NAMED])}{more}")
        for line in tails[names[0]]:
            output.say(f"  | {line[:LONGEST_LINE]}")
