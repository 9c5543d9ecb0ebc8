"""Two drawings of a batch that really ran: the states of its runs, and how it went from the manifest to the service."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from markupsafe import Markup

from batchrun.report.html.pictures.svg import element, joined

__all__ = ["Course", "flow", "states"]

Events = list[dict[str, Any]]
INK, DIM, LINE, PAPER = "#1f2328", "#59636e", "#d0d7de", "#ffffff"
GREEN, AMBER, RED, BLUE = "#dafbe1", "#fff8c5", "#ffebe9", "#ddf4ff"
FITS = 58  # characters in a card
SANS, MONO = "system-ui, sans-serif", "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How many of a batch's runs took each way, counted in its ledger."""

    planned: int
    attempts: int
    answered: int  # created, and the response said so
    unknown: int  # attempts without a response: a lost response, or a kill
    found: int  # of them, found in the service's list
    absent: int  # of them, proven not to exist, and sent again
    completed: int
    failed: int
    rerun: int
    recovered: int  # of them, completed the second time

    @classmethod
    def of(cls, ledger: Events, *, planned: int) -> Self:
        after = next(number for number, event in enumerate(ledger) if event["event"] == "rerun")
        first, kinds = ledger[:after], Counter(event["event"] for event in ledger[:after])
        submitted = [event for event in first if event["event"] == "submitted"]
        found = sum(event.get("via") == "settled" for event in submitted)
        answered = len(submitted) - found
        ends = _statuses(first)
        return cls(
            planned=planned,
            attempts=kinds["attempt"],
            answered=answered,
            unknown=kinds["attempt"] - answered - kinds["refused"],
            found=found,
            absent=kinds["absent"],
            completed=ends["COMPLETED"],
            failed=ends["FAILED"] + ends["TIMED_OUT"],
            rerun=len(ledger[after]["keys"]),
            recovered=_statuses(ledger)["COMPLETED"] - ends["COMPLETED"],
        )


def _statuses(ledger: Events) -> Counter[str]:
    """How many runs have which status, by the last event that says so."""
    last = {event["key"]: event["status"] for event in ledger if event["event"] == "submitted"}
    names = {event["run_id"]: event["key"] for event in ledger if event["event"] == "submitted"}
    for event in ledger:
        if event["event"] == "status" and event["run_id"] in names:
            last[names[event["run_id"]]] = event["status"]
    return Counter(last.values())


def states(course: Course) -> str:
    """The ways of a batch's runs, each with the number that took it."""
    boxes = [
        _box(20, 120, "pending", f"{course.planned} planned", PAPER),
        _box(230, 120, "in flight", f"{course.attempts} attempts", BLUE),
        _box(440, 120, "submitted", "run id in the ledger", GREEN),
        _box(650, 120, "PENDING, RUNNING", "at the service", BLUE),
        _box(860, 60, "COMPLETED", f"{course.completed}", GREEN),
        _box(860, 180, "FAILED, TIMED_OUT", f"{course.failed}", RED),
        _box(230, 270, "unknown", f"{course.unknown} without a response", AMBER),
        _box(230, 10, "rejected, failed", "never created", RED),
    ]
    arrows = [
        _arrow([(170, 150), (230, 150)], "attempt", (200, 142)),
        _arrow([(380, 150), (440, 150)], f"{course.answered}", (410, 142)),
        _arrow([(590, 150), (650, 150)], "followed", (620, 142)),
        _arrow([(800, 135), (830, 135), (830, 90), (860, 90)]),
        _arrow([(800, 165), (830, 165), (830, 210), (860, 210)]),
        _arrow([(305, 120), (305, 70)], "refused", (332, 99)),
        _arrow([(230, 40), (95, 40), (95, 120)], "submit --retry", (160, 32)),
        _arrow([(305, 180), (305, 270)], "response lost, 5xx, kill -9", (390, 230)),
        _arrow([(380, 300), (515, 300), (515, 180)], f"{course.found} found in the list", (580, 292)),
        _arrow([(230, 300), (95, 300), (95, 180)], f"{course.absent} proven absent", (150, 320)),
        _arrow([(935, 240), (935, 300), (725, 300), (725, 180)]),
        _text(830, 320, f"rerun: {course.rerun} again, {course.recovered} of them completed", colour=DIM),
    ]
    return _picture(1030, 350, "The states of a run", [*arrows, *boxes])


def flow(manifest: str, plan: str, ledger: Events, held: Events) -> str:
    """From the manifest to the service, with excerpts of each."""
    lost = next(event for event in ledger if event.get("via") == "settled")
    story = [_ledger_line(event) for event in ledger if event.get("key") == lost["key"]]
    others = [_ledger_line(event) for event in ledger if event["event"] in {"attempt", "submitted"}][:2]
    shown = [f"{run['id']}  {run['name']:<21} {run['status']}" for run in held]
    at = next(number for number, run in enumerate(held) if run["id"] == lost["run_id"])
    twice = sum(count > 1 for count in Counter(run["name"] for run in held).values())
    head, *rows = [line for line in plan.splitlines() if line.startswith((" ", "2", "..."))]
    planned = [line[: head.index("arguments")].rstrip() for line in (head, *rows)]
    cards = [
        _card(10, 10, 470, "ndvi.toml: the manifest", [line for line in manifest.splitlines() if line][2:]),
        _card(550, 10, 470, "batchrun plan: what would be sent", planned),
        _card(550, 260, 470, "ndvi.ledger.jsonl: on disk before it is sent", [*others, "…", *story, "…"]),
        _card(10, 260, 470, f"the service: {len(held)} runs, {twice} twice", [*shown[:3], "…", shown[at], "…"]),
    ]
    arrows = [
        _arrow([(480, 90), (550, 90)], "plan", (515, 82)),
        _arrow([(785, 154), (785, 260)], "submit", (810, 212)),
        _arrow([(550, 310), (480, 310)], "POST", (515, 302)),
        _arrow([(480, 372), (550, 372)], "list", (515, 364)),
    ]
    return _picture(1030, 440, "From the manifest to the service", [*cards, *arrows])


def _ledger_line(event: dict[str, Any]) -> str:
    """The parts of an event that matter here."""
    parts = [str(event[name]) for name in ("name", "run_id", "via", "reason") if name in event]
    if event["event"] == "submitted":
        parts = parts[1:]
    line = f"{event['event']:<9} {event['key'][:6]}… {' '.join(parts)}"
    return line if len(line) <= FITS else f"{line[:FITS]}…"


def _box(x: float, y: float, head: str, below: str, colour: str) -> Markup:
    return joined(
        [
            element("rect", x=x, y=y, width=150, height=60, rx=8, fill=colour, stroke=LINE),
            _text(x + 75, y + 26, head, weight="600"),
            _text(x + 75, y + 45, below, colour=DIM),
        ]
    )


def _card(x: float, y: float, width: float, head: str, lines: Iterable[str]) -> Markup:
    kept = list(lines)
    height = 42 + 17 * len(kept)
    parts = [
        element("rect", x=x, y=y, width=width, height=height, rx=8, fill=PAPER, stroke=LINE),
        _text(x + 14, y + 22, head, anchor="start", weight="600"),
    ]
    parts += [
        _text(x + 14, y + 44 + 17 * number, line, anchor="start", face=MONO, space="pre")
        for number, line in enumerate(kept)
    ]
    return joined(parts)


def _arrow(points: list[tuple[float, float]], label: str = "", at: tuple[float, float] = (0, 0)) -> Markup:
    way = " ".join(f"{x},{y}" for x, y in points)
    line = element("polyline", points=way, fill="none", stroke=DIM, stroke_width=1.5, marker_end="url(#head)")
    return joined([line, _text(*at, label, colour=DIM)]) if label else line


def _text(
    x: float,
    y: float,
    content: str,
    *,
    anchor: str = "middle",
    colour: str = INK,
    face: str = SANS,
    weight: str | None = None,
    space: str | None = None,
) -> Markup:
    style = None if space is None else f"white-space: {space}"
    return element(
        "text", content, x=x, y=y, text_anchor=anchor, fill=colour, font_family=face, font_size=12,
        font_weight=weight, style=style,
    )  # fmt: skip


def _picture(width: float, height: float, title: str, parts: Iterable[Markup]) -> str:
    path = element("path", d="M0,0 L8,4 L0,8 z", fill=DIM)
    head = element("marker", path, id="head", markerWidth=8, markerHeight=8, refX=7, refY=4, orient="auto")
    back = element("rect", width=width, height=height, rx=10, fill="#f6f8fa")
    inside = joined([element("title", title), element("defs", head), back, *parts])
    box = f"0 0 {width:g} {height:g}"
    whole = element("svg", inside, xmlns="http://www.w3.org/2000/svg", viewBox=box, width=width, height=height)
    return str(whole).replace("><", ">\n<") + "\n"
