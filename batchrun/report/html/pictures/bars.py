"""Bars with lengths in percent: they fit any width, so their text keeps its size."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from batchrun.report.html.pictures.scales import Range
from batchrun.report.html.pictures.svg import TEXT_PX, element, joined, number, text_width
from batchrun.report.spans import Quantiles

__all__ = ["Segment", "box", "shares", "stacked_bar"]

THINNEST = 0.4
"""Percent: one failure among 10,000 runs has to be seen."""
PHONE_PX, PAGE_PX = 340.0, 560.0
"""The narrowest bar on a phone, and elsewhere: a number is written where its segment has room for it."""
BAR_HEIGHT = 34
BOX_HEIGHT = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a bar; ``style`` names its color and ``mark`` is a sign that tells it apart without color."""

    label: str
    count: int
    style: str
    mark: str = ""


def shares(counts: Sequence[int]) -> tuple[float, ...]:
    """The parts in percent, together 100; where one would be too thin to be seen, all give way to a least width."""
    total = sum(counts)
    if total <= 0:
        return tuple(0.0 for _ in counts)
    exact = [100 * count / total for count in counts]
    present = sum(map(bool, counts))
    if all(share >= THINNEST for share, count in zip(exact, counts, strict=True) if count):
        return tuple(exact)
    room = 1 - present * THINNEST / 100
    return tuple(THINNEST + share * room if count else 0.0 for share, count in zip(exact, counts, strict=True))


def stacked_bar(segments: Sequence[Segment], *, title: str) -> Markup:
    """One bar of all runs; a segment that is wide enough holds its mark and its number."""
    parts: list[Markup] = []
    x = 0.0
    for segment, share in zip(segments, shares([segment.count for segment in segments]), strict=True):
        if not segment.count:
            continue
        tip = element("title", f"{segment.label}: {segment.count:,}")
        parts.append(
            element(
                "rect", tip, x=f"{number(x)}%", width=f"{number(share)}%", height="100%", class_=f"s-{segment.style}"
            )
        )
        text = f"{segment.mark} {segment.count:,}".strip()
        room = 100 * (text_width(text) + TEXT_PX / 2) / share  # the width of the bar from which on it fits
        if room <= PAGE_PX:
            style = f"mid low i-{segment.style}" + (" roomy" if room > PHONE_PX else "")
            parts.append(element("text", text, x=f"{number(x + share / 2)}%", y="50%", class_=style))
        x += share
    return element(
        "svg", joined([element("title", title), *parts]), width="100%", height=BAR_HEIGHT, role="img",
        aria_label=title, class_="bar",
    )  # fmt: skip


def box(spans: Quantiles, scale: Range, *, style: str) -> Markup:
    """The middle half as a box with its median, the middle nine tenths as a line. The numbers stand beside it as text."""

    def at(value: float) -> float:
        return 100 * scale.share(value)

    def percent(value: float) -> str:
        return f"{number(value)}%"

    line = {"y1": "50%", "y2": "50%"}
    parts = [
        element("line", x1=percent(at(spans.p5)), x2=percent(at(spans.p95)), **line),
        element("rect", x=percent(at(spans.p25)), width=percent(at(spans.p75) - at(spans.p25)), y="20%", height="60%"),
        element("line", x1=percent(at(spans.median)), x2=percent(at(spans.median)), y1="8%", y2="92%", class_="median"),
    ]
    return element("svg", joined(parts), width="100%", height=BOX_HEIGHT, aria_hidden="true", class_=f"box {style}")
