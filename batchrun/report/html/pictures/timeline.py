"""A batch over time: active runs against their limit, and below it how many were submitted and ended in each interval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from batchrun.report.activity import Activity
from batchrun.report.html.pictures.scales import count_ticks, time_label, time_ticks
from batchrun.report.html.pictures.svg import TEXT_PX, element, fitted, number, picture, text_width

__all__ = ["HEIGHT", "WIDTH", "timeline"]

WIDTH, HEIGHT = 1000.0, 336.0
LEFT, RIGHT = 56.0, 984.0
"""The edges of the plots; what lies outside is room for numbers."""
FAR = 4
"""A limit of more than this many times the peak is not drawn: the runs would be a line at the bottom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """One plot: ``most`` is the greatest value that it can show."""

    title: str
    top: float
    bottom: float
    most: int

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * min(value / max(self.most, 1), 1.0)


def timeline(activity: Activity, *, limit: int | None, title: str, description: str) -> Markup:
    """The picture; ``limit`` is the most runs that the batch may have active at once."""
    panel = _Panel(
        title="active runs",
        top=24,
        bottom=164,
        most=activity.peak if limit is None or limit > FAR * activity.peak else max(activity.peak, limit),
    )
    begun = _Panel(title="submitted", top=194, bottom=234, most=max(activity.submitted))
    ends = [done + bad for done, bad in zip(activity.completed, activity.failed, strict=True)]
    ended = _Panel(title="ended", top=264, bottom=304, most=max(ends))
    parts = [*_time_axis(activity, (panel, begun, ended))]
    for one in (panel, begun, ended):
        parts += _frame(one)
    active = [a + b for a, b in zip(activity.waiting, activity.working, strict=True)]
    parts += [_area(active, panel, "waiting"), _area(activity.working, panel, "working")]
    parts += [*_bars(activity.submitted, begun, "submitted"), *_bars(ends, ended, "failed")]
    # Drawn over the bar of both, so that what is left to be seen of that are the failures.
    parts += _bars(activity.completed, ended, "completed")
    if limit is not None:
        parts += _limit(limit, panel)
    return picture(parts, width=WIDTH, height=HEIGHT, title=title, description=description)


def _x(activity: Activity, at_s: float) -> float:
    share = (at_s - activity.begin_s) / (activity.end_s - activity.begin_s)
    return LEFT + (RIGHT - LEFT) * share


def _frame(panel: _Panel) -> Iterator[Markup]:
    """The panel's name, and its numbers with their lines."""
    yield element("text", panel.title, x=LEFT, y=panel.top - 8, class_="axis")
    for tick in count_ticks(panel.most, at_most=4 if panel.bottom - panel.top > 100 else 2):  # noqa: PLR2004 - px
        y = panel.y(tick)
        yield element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="grid" if tick else "base")
        yield element("text", fitted(f"{tick:,}", LEFT - 8), x=LEFT - 8, y=y, class_="end low")


def _time_axis(activity: Activity, panels: Sequence[_Panel]) -> Iterator[Markup]:
    before: float | None = None
    for tick in time_ticks(activity.begin_s, activity.end_s):
        x = _x(activity, tick)
        for panel in panels:
            yield element("line", x1=x, x2=x, y1=panel.top, y2=panel.bottom, class_="grid")
        label = time_label(tick, before_s=before)
        half = text_width(label) / 2
        # Kept inside: a label at the edge would be cut off.
        yield element("text", label, x=min(max(x, half), WIDTH - half), y=HEIGHT - TEXT_PX, class_="mid")
        before = tick


def _area(values: Sequence[int], panel: _Panel, style: str) -> Markup:
    """A stepped area: one step for each interval."""
    step = (RIGHT - LEFT) / len(values)
    path = [f"M{number(LEFT)} {number(panel.bottom)}"]
    path += [f"V{number(panel.y(value))}H{number(LEFT + step * (i + 1))}" for i, value in enumerate(values)]
    return element("path", d="".join(path) + f"V{number(panel.bottom)}z", class_=f"s-{style}")


def _bars(values: Sequence[int], panel: _Panel, style: str) -> Iterator[Markup]:
    """All bars of a series as one path."""
    step = (RIGHT - LEFT) / len(values)
    # Half a pixel at least: a thinner bar vanishes on some screens.
    width = number(max(step * 0.85, 0.5))
    bars = [
        f"M{number(LEFT + step * i)} {number(panel.bottom)}V{number(panel.y(value))}h{width}V{number(panel.bottom)}z"
        for i, value in enumerate(values)
        if value
    ]
    if bars:
        yield element("path", d="".join(bars), class_=f"s-{style}")


def _limit(limit: int, panel: _Panel) -> Iterator[Markup]:
    """A line, or only words where the runs would be too low to be seen below it."""
    name, y = f"max_active = {limit:,}", panel.y(limit)
    if limit > panel.most:
        name += ", not reached"
    else:
        yield element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="limit")
    yield element("text", name, x=RIGHT, y=panel.top - 8, class_="end axis")
