"""Displays of followed runs: live on a terminal, elsewhere one line per change, as text or JSON."""

from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

from rich.console import RenderableType
from rich.text import Text
from typing_extensions import override

from batchrun.cli.live_view import LiveView
from batchrun.cli.output import Output
from batchrun.cli.progress import count_line, pace_line, pause_line, view_for
from batchrun.cli.quiet_view import QuietView
from batchrun.cli.text import one_line
from batchrun.cli.views.watch import LATEST_FAILURES, UNCREATED, WatchSnapshot, change_line, picture
from batchrun.engine.progress import Progress
from batchrun.errors import Problem
from batchrun.ledger.state import Outcome
from batchrun.report.run_label import RunGroup, group_of
from batchrun.tracking.changes import Change

__all__ = ["SubmissionView", "WatchView", "watch_view"]

REDRAW_PER_S = 4
"""Less often than while submitting: the display changes only when runs do."""


class WatchView(Protocol):
    """The observer that a watch reports to. ``leave`` ends the display and may be called more than once."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def change(self, change: Change) -> None: ...

    def note(self, note: Problem) -> None: ...

    def show(self, snapshot: WatchSnapshot) -> None: ...

    def leave(self) -> None: ...


def watch_view(output: Output, name: str, *, as_lines: bool = False, failures: Iterable[Change] = ()) -> WatchView:
    """The display that fits where the output goes; ``as_lines``: with ``--json``, a JSON line for each change.

    ``failures`` were seen before, and are shown until there are later ones.
    """
    if output.as_json and as_lines:
        return _JsonView(output)
    if output.quiet:
        return _QuietView(output)
    return _LiveView(output, name, failures) if output.is_terminal else _PlainView(output)


class SubmissionView:
    """Shows a session that follows its runs while it creates them: an observer of the session, and of the changes."""

    def __init__(self, output: Output, name: str) -> None:
        self._name = name
        self._is_live = output.is_terminal and not output.quiet
        self._watch: WatchView = _LiveView(output, name, (), stays=False) if self._is_live else _changes_view(output)
        self._progress = view_for(output, name)
        self.failures: deque[Change] = deque(maxlen=LATEST_FAILURES)

    def __enter__(self) -> Self:
        (self._watch if self._is_live else self._progress).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def progress(self, progress: Progress) -> None:
        if not self._is_live:
            self._progress.progress(progress)
            return
        words = (count_line(progress), pace_line(progress), pause_line(progress))
        self._watch.show(
            WatchSnapshot(
                name=self._name,
                planned=progress.planned,
                statuses=progress.run_status,
                uncreated=_uncreated(progress),
                active=progress.active or 0,
                submission="; ".join(filter(None, words)),
            )
        )

    def change(self, change: Change) -> None:
        if _is_failure(change):
            self.failures.append(change)
        self._watch.change(change)

    def note(self, note: Problem) -> None:
        self._watch.note(note)

    def leave(self) -> None:
        """End the display; may be called more than once."""
        self._watch.leave()


def _changes_view(output: Output) -> WatchView:
    return _QuietView(output) if output.quiet else _PlainView(output)


def _uncreated(progress: Progress) -> dict[Outcome, int]:
    counts = {outcome: getattr(progress, outcome.value) for outcome in UNCREATED}
    return {outcome: count for outcome, count in counts.items() if count}


def _is_failure(change: Change) -> bool:
    return group_of(Outcome.SUBMITTED, change.status) is RunGroup.FAILED


class _QuietView(QuietView):
    """Notes only."""

    def change(self, change: Change) -> None:
        """Left to the summary."""

    def show(self, snapshot: WatchSnapshot) -> None:
        """There is no display to show it on."""


class _PlainView(_QuietView):
    """A line on stderr for each change."""

    @override
    def change(self, change: Change) -> None:
        self.output.tell(change_line(change))


class _JsonView(_QuietView):
    """A JSON line on stdout for each change."""

    @override
    def change(self, change: Change) -> None:
        self.output.json_line({"event": "status", **change.json()})


class _LiveView(LiveView):
    """The status of all runs, and the latest failures; its last state stays on screen."""

    def __init__(self, output: Output, name: str, failures: Iterable[Change], *, stays: bool = True) -> None:
        self._name = one_line(name)
        self._latest: WatchSnapshot | None = None
        self._failures: deque[Change] = deque(failures, maxlen=LATEST_FAILURES)
        super().__init__(output, redraw_per_s=REDRAW_PER_S, stays=stays)

    def change(self, change: Change) -> None:
        if _is_failure(change):
            self._failures.append(change)

    def show(self, snapshot: WatchSnapshot) -> None:
        self._latest = snapshot

    @override
    def draw(self) -> RenderableType:
        if self._latest is None:
            return Text(f"{self._name}: contacting the service ...", style="dim")
        return picture(self._latest, list(self._failures))
