"""The display of ``batchrun watch``: pure functions of a snapshot."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from batchrun.cli.text import duration, one_line
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.state import Outcome
from batchrun.report.run_label import RunGroup, group_of, label_of
from batchrun.report.wording import short_span
from batchrun.tracking.changes import Change

__all__ = [
    "LATEST_FAILURES",
    "UNCREATED",
    "StatusBar",
    "WatchSnapshot",
    "change_line",
    "detail_line",
    "picture",
    "segment_widths",
    "status_parts",
]

LATEST_FAILURES = 5
UNCREATED = (Outcome.PENDING, Outcome.UNKNOWN, Outcome.REJECTED, Outcome.FAILED)
"""Outcomes of planned runs that are not created and that somebody may wait for."""
NAME_WIDTH = 28
NO_BREAK = "\u00a0"
TIME_WIDTH = len("  12:03:11")
MINUTE_S = 60.0
_STYLES = {
    RunGroup.COMPLETED: "green",
    RunGroup.FAILED: "red",
    RunGroup.CANCELLED: "magenta",
    RunGroup.ACTIVE: "blue",
    RunGroup.NOT_CREATED: "bright_black",
}
RUNNING = "RUNNING"
_RUNNING_STYLE = "cyan"
_SIGNS = {
    RunGroup.COMPLETED: "#",
    RunGroup.FAILED: "x",
    RunGroup.CANCELLED: "~",
    RunGroup.ACTIVE: ".",
    RunGroup.NOT_CREATED: " ",
}
"""Where there is no color, or no line to draw with."""
_RUNNING_SIGN = ">"
_ORDER = list(RunGroup)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSnapshot:
    """The batch at one moment."""

    name: str
    planned: int
    statuses: Mapping[str, int]
    """Created runs by their latest status."""
    uncreated: Mapping[Outcome, int] = field(default_factory=dict)
    """Planned runs that are not created, by outcome."""
    active: int
    finished_per_s: float | None = None
    """None while too little is known."""
    left_s: float | None = None
    unrecorded: int = 0
    """Changes that are not in the ledger yet, because another process writes it."""
    is_written: bool = False
    """Another process is writing the ledger: it may create more runs."""
    submission: str = ""
    """What the session is doing that creates the runs, in place of the details; empty without one."""

    @property
    def ended(self) -> int:
        return sum(count for status, count in self.statuses.items() if group_of(Outcome.SUBMITTED, status).has_ended)


@dataclass(frozen=True, slots=True)
class Part:
    """Runs of one label, and how they are drawn."""

    label: str
    count: int
    style: str
    sign: str
    group: RunGroup


def status_parts(snapshot: WatchSnapshot) -> list[Part]:
    """The runs by label, those that ended first."""
    parts = [_part(status, group_of(Outcome.SUBMITTED, status), n) for status, n in snapshot.statuses.items() if n]
    parts += [
        Part(label_of(outcome, None), n, *_drawn(group_of(outcome, None)), group_of(outcome, None))
        for outcome, n in snapshot.uncreated.items()
        if n
    ]
    return sorted(parts, key=lambda part: (_ORDER.index(part.group), part.label != RUNNING, -part.count))


def _part(status: str, group: RunGroup, count: int) -> Part:
    if status == RUNNING:
        return Part(status, count, _RUNNING_STYLE, _RUNNING_SIGN, group)
    return Part(status, count, *_drawn(group), group)


def _drawn(group: RunGroup) -> tuple[str, str]:
    return _STYLES[group], _SIGNS[group]


def segment_widths(counts: Sequence[int], total: int, width: int) -> list[int]:
    """Widths of a bar's segments: proportional, at least one cell for what there is, together never more than the bar."""
    if total <= 0 or width < len(counts):
        return [0] * len(counts)
    widths = [max(1, width * count // total) if count else 0 for count in counts]
    # Segments that are widened to one cell take more than their share: the longest gives it back.
    while sum(widths) > width:
        widths[widths.index(max(widths))] -= 1
    if sum(counts) >= total and any(widths):  # what rounding left over goes to the longest
        widths[widths.index(max(widths))] += width - sum(widths)
    return widths


@dataclass(frozen=True, slots=True)
class StatusBar:
    """A bar as wide as there is room, with a segment for each label."""

    parts: Sequence[Part]
    total: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = segment_widths([part.count for part in self.parts], self.total, options.max_width)
        is_plain = console.color_system is None or options.ascii_only
        for part, width in zip(self.parts, widths, strict=True):
            yield Segment((part.sign if is_plain else "━") * width, Style.parse(part.style))
        rest = options.max_width - sum(widths)
        yield Segment((" " if is_plain else "━") * rest, Style.parse(_STYLES[RunGroup.NOT_CREATED]))


def picture(snapshot: WatchSnapshot, failures: Sequence[Change]) -> RenderableType:
    """The whole display."""
    parts = status_parts(snapshot)
    lines: list[RenderableType] = [_head(snapshot, parts), _counts(parts)]
    lines.append(Text(f"  {one_line(snapshot.submission or detail_line(snapshot))}", style="dim"))
    if failures:
        lines += [Text("  latest failures", style="bold"), _failures(failures[-LATEST_FAILURES:])]
    return Group(*lines)


def detail_line(snapshot: WatchSnapshot) -> str:
    """``12 active; 4.1 finished per minute; about 12 min left``, as far as it is known."""
    parts = [f"{snapshot.active:,} active"]
    if snapshot.finished_per_s and snapshot.active:
        parts.append(_rate(snapshot.finished_per_s))
    if snapshot.left_s is not None and snapshot.active:
        parts.append(f"about {short_span(snapshot.left_s)} left")
    if snapshot.unrecorded:
        parts.append(
            f"{snapshot.unrecorded:,} changes not recorded yet; the process that is writing the ledger will record them"
        )
    return "; ".join(parts)


def change_line(change: Change) -> str:
    """A change as one line: ``12:03:11 tile-42: RUNNING -> FAILED after 5 min 12 s (RUN_FAIL_EXEC): the message``."""
    before = f"{change.before} -> " if change.before is not None else ""
    after = f" after {duration(change.ran_s)}" if change.is_final and change.ran_s is not None else ""
    return f"{_clock(change)} {change.name or change.run_id}: {before}{change.status}{after}{_because(change)}"


def _because(change: Change) -> str:
    code = f" ({change.code})" if change.code else ""
    return code + (f": {change.message}" if change.message else "")


def _clock(change: Change) -> str:
    # Only an end has a time; any other change has just been noticed.
    at_s = epoch_seconds(change.complete_time or "") or time.time()
    return time.strftime("%H:%M:%S", time.localtime(at_s))


def _rate(per_s: float) -> str:
    return f"{per_s:,.1f} finished per second" if per_s >= 1 else f"{per_s * MINUTE_S:,.1f} finished per minute"


def _head(snapshot: WatchSnapshot, parts: Sequence[Part]) -> RenderableType:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=32)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    share = 100 * snapshot.ended // snapshot.planned if snapshot.planned else 100
    label = f"{snapshot.ended:,}/{snapshot.planned:,} ended {share:>3}%"
    grid.add_row(Text(one_line(snapshot.name), style="bold"), StatusBar(parts, snapshot.planned), Text(label))
    return grid


def _counts(parts: Sequence[Part]) -> RenderableType:
    # No-break spaces: a line ends between two labels.
    words = [
        Text(f"{part.count:,}{NO_BREAK}{one_line(part.label).replace(' ', NO_BREAK)}", part.style) for part in parts
    ]
    return Padding(Text("  ").join(words), (0, 0, 0, 2))


def _failures(failures: Sequence[Change]) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True, min_width=TIME_WIDTH)
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=NAME_WIDTH)
    grid.add_column(no_wrap=True, min_width=max(len(one_line(change.status)) for change in failures))
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for row in map(_failure, failures):
        grid.add_row(*row)
    return grid


def _failure(change: Change) -> Iterator[Text]:
    yield Text(f"  {_clock(change)}", style="dim")
    yield Text(one_line(change.name or change.run_id))
    yield Text(one_line(change.status), style=_STYLES[group_of(Outcome.SUBMITTED, change.status)])
    yield Text(one_line(change.message or change.code or ""))
