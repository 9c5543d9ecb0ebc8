"""Progress of a batch: a live display on a terminal, plain lines elsewhere. Draws snapshots and keeps no counts."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from batchrun.cli.live_view import LiveView
from batchrun.cli.output import Output
from batchrun.cli.quiet_view import QuietView
from batchrun.cli.text import duration, one_line
from batchrun.engine.progress import Observer, Progress
from batchrun.uploads.progress import UploadProgress

__all__ = ["View", "count_line", "pace_line", "pause_line", "upload_line", "view_for"]

REDRAW_PER_S = 8  # smooth to the eye, and cheap enough over ssh
FIRST_LINE_AFTER_S = 2.0  # a small batch is over by then and needs no progress
LINE_EVERY_S = 5.0
LONGEST_SILENCE_S = 30.0
MEGABYTE = 1e6
"""Plain lines become less frequent over time, so that the log of a batch that takes hours stays short."""


class View(Observer, Protocol):
    """An observer with a display; ``leave`` removes it from the screen and may be called more than once."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def leave(self) -> None: ...


def view_for(output: Output, name: str) -> View:
    """A live display on a terminal, plain lines elsewhere, notes only with ``--quiet``."""
    if output.quiet:
        return _QuietView(output)
    return _LiveView(output, name) if output.is_terminal else _PlainView(output)


def count_line(progress: Progress) -> str:
    """The counts of runs; zeros are left out."""
    parts = [f"{progress.submitted:,} of {progress.planned:,} submitted"]
    for count, label in (
        (progress.rejected, "rejected"),
        (progress.failed, "failed"),
        (progress.unknown, "unknown"),
        (progress.in_flight, "in flight"),
        (progress.waiting, "waiting to retry"),
        (progress.retries, "retries" if progress.retries != 1 else "retry"),
    ):
        parts += [f"{count:,} {label}"] if count else []
    if progress.active is not None:
        bound = f" (limit {progress.active_limit:,})" if progress.active_limit is not None else ""
        parts.append(f"{progress.active:,} active{bound}")
    return ", ".join(parts)


def pace_line(progress: Progress) -> str:
    """The rate, what pacing is doing, and an estimate of the time left."""
    limit = f", up to {_rate(progress.limit_per_s)}" if progress.limit_per_s is not None else ""
    pace = f" ({progress.pace}{limit})" if progress.pace else ""
    return f"{_rate(progress.rate_per_s)}{pace}, {_time_left(progress)}"


def upload_line(uploads: UploadProgress) -> str:
    """The progress of uploading local files, before the first run is sent."""
    size = f"{uploads.size_done:,} of {uploads.size:,} bytes"
    if uploads.size >= MEGABYTE:
        size = f"{uploads.size_done / MEGABYTE:,.1f} of {uploads.size / MEGABYTE:,.1f} MB"
    again = f"; trying again: {uploads.trouble}" if uploads.trouble else ""
    return f"uploading local files: {uploads.files_done:,} of {uploads.files:,}, {size}{again}"


def pause_line(progress: Progress) -> str:
    """Why sending is paused and for how long; empty when it is not."""
    if progress.pause_s is None or progress.pause_s <= 0:
        return ""
    return f"paused for {duration(progress.pause_s)}: {progress.pause_reason or 'requested by the service'}"


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}/s" if per_s >= 100 else f"{per_s:.1f}/s"  # noqa: PLR2004 - from a hundred on, tenths are noise


def _time_left(progress: Progress) -> str:
    if progress.pending == 0 and progress.unknown:
        return f"settling {progress.unknown:,} unknown"
    if progress.pending == 0:
        return "all sent"
    if progress.left_s is None or progress.pause_s is not None:  # a pause makes the recent rate meaningless
        return "time left unknown"
    return f"about {duration(progress.left_s)} left" if progress.left_s >= 1 else "less than a second left"


class _QuietView(QuietView):
    """Notes only."""

    def progress(self, progress: Progress) -> None:
        """Left to the summary."""


class _PlainView(_QuietView):
    """A line on stderr every few seconds."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._next_s = time.monotonic() + FIRST_LINE_AFTER_S
        self._every_s = LINE_EVERY_S

    @override
    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._next_s:
            return
        self._next_s = now + self._every_s
        self._every_s = min(self._every_s * 1.1, LONGEST_SILENCE_S)  # 30 s apart after some four minutes
        if progress.uploads is not None:
            self.output.tell(upload_line(progress.uploads))
            return
        parts = [count_line(progress), pace_line(progress), pause_line(progress)]
        self.output.tell("; ".join(filter(None, parts)))


class _LiveView(LiveView):
    """A few lines, redrawn several times per second."""

    def __init__(self, output: Output, name: str) -> None:
        self._name = one_line(name)
        self._latest: Progress | None = None
        super().__init__(output, redraw_per_s=REDRAW_PER_S)

    def progress(self, progress: Progress) -> None:
        self._latest = progress

    @override
    def draw(self) -> RenderableType:
        latest = self._latest
        if latest is None:
            return Text(f"{self._name}: contacting the service ...", style="dim")
        if (uploads := latest.uploads) is not None:
            line = Text(f"  {upload_line(uploads)}")
            return Group(_bar_line(self._name, uploads.size_done, uploads.size, f"{uploads.files:,} files"), line)
        lines: list[RenderableType] = [
            _bar(self._name, latest),
            Text(f"  {count_line(latest)}"),
            Text(f"  {pace_line(latest)}", style="dim"),
        ]
        if pause := pause_line(latest):
            lines.append(Text(f"  {one_line(pause)}", style="yellow"))
        return Group(*lines)


def _bar(name: str, progress: Progress) -> RenderableType:
    # Unknown runs do not count as done: they may still have to be sent again.
    done = progress.submitted + progress.rejected + progress.failed
    return _bar_line(name, done, progress.planned, f"{done:,}/{progress.planned:,}")


def _bar_line(name: str, done: int, total: int, label: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=32)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    grid.expand = True
    grid.add_row(
        Text(name, style="bold"),
        ProgressBar(total=max(total, 1), completed=done, complete_style="cyan", finished_style="green"),
        Text(f"{label} {_share(done, total)}"),
    )
    return grid


def _share(done: int, planned: int) -> str:
    """Percent, rounded down so that 100% means every run."""
    return f"{100 * done // planned if planned else 100:>3}%"
