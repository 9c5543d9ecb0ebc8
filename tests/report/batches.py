"""Batches that a report has to cope with: ordinary ones, and the edges of what can happen."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.report.ledgers import START_S, Story, batch_event, write_events, write_ledger

__all__ = ["BATCHES", "HOSTILE", "SEASONS"]

Point = dict[str, Any]
HOSTILE = (
    "<script>document.title='pwned'</script>",
    "</script><script>document.title='pwned'</script>",
    "</title></style><img src=x onerror=\"document.title='pwned'\">",
    "'\"><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "a\u202egnp.exe\u2066b\u200b\ufeff\U000e0041c",
    "مرحبا بالعالم",
    "👩\u200d👩\u200d👧 família ☃",
    "\x00\x1b[31mred\x07\r\n\t<!--",
    "]]>&lt;&#60;",
    "A" * 100_000,
    "/" * 30_000 + "'" * 30_000,
    "w" * 50_000 + ":/",
    "",
    "__proto__",
)


def _failing(point: Point) -> float:
    return 0.85 if point["region"] == "eu" and point["month"] >= "2024-09" else 0.01


def _slow(point: Point) -> float:
    return {"10m": 3.0, "30m": 1.0, "100m": 0.5}[point["res"]]


SEASONS = Story(
    axes={
        "region": ["us-west", "us-east", "eu", "ap-south"],
        "month": [f"2024-{month:02d}-01" for month in range(1, 13)],
        "res": ["10m", "30m", "100m"],
        "tile": [f"t{number:03d}" for number in range(1, 8)],
    },
    failing=_failing,
    slow=_slow,
    name="ndvi",
)
"""1,008 runs; most of those in one region from autumn on fail, and a finer resolution takes longer."""


def _many_axes(path: Path) -> list[Path]:
    axes: dict[str, list[Any]] = {f"axis_{letter}": [f"{letter}{i}" for i in range(2)] for letter in "abcdefgh"}
    axes |= {"size": [1, 2], "on": [True, False], "fixed": ["one"], "ratio": [0.25, 0.5]}
    story = Story(axes=axes, runs=2_048, failing=lambda p: 0.9 if p["axis_c"] == "c1" and p["size"] == 1 else 0.02)
    return [write_ledger(path / "twelve.ledger.jsonl", story)]


def _long_axis(path: Path) -> list[Path]:
    def recorded(point: Point) -> Point:
        return {"tile": f"t{point['n'] % 5_000 + 1}", "res": 10 if point["n"] % 2 else 30}

    story = Story(
        axes={"n": list(range(6_000))}, fields=recorded, failing=lambda p: 0.7 if p["n"] % 2 else 0.02, max_active=500,
        name="tiles",
    )  # fmt: skip
    return [write_ledger(path / "long.ledger.jsonl", story)]


def _partial_points(path: Path) -> list[Path]:
    def holed(point: Point) -> Point:
        chance = random.Random(str(point))
        kept = {name: value for name, value in point.items() if chance.random() > 0.3}
        return kept | {"site": {"id": f"s{point['n'] % 7}", "size": [1, 2], "note": None}} if point["n"] % 3 else kept

    story = Story(axes={"n": list(range(60)), "kind": ["a", 1, 1.0, True, None]}, fields=holed, failing=lambda _: 0.2)
    return [write_ledger(path / "holes.ledger.jsonl", story)]


def _hostile(path: Path) -> list[Path]:
    def spoiled(point: Point) -> Point:
        return {"text": HOSTILE[point["n"] % len(HOSTILE)], "<b>axis</b>\u202e": point["n"] % 3}

    story = Story(
        axes={"n": list(range(96))}, fields=spoiled, failing=lambda p: 1.0 if p["n"] % 2 else 0.0, timed_out=0,
        messages=tuple((text[:60] or "E", text) for text in HOSTILE), name="<i>batch</i>\u202e</script>",
    )  # fmt: skip
    return [write_ledger(path / "hostile.ledger.jsonl", story)]


def _many_fields(path: Path) -> list[Path]:
    def recorded(point: Point) -> Point:
        return {"row": {f"column_{i}": (point["n"] * i) % (i + 2) for i in range(300)}}

    story = Story(
        axes={"n": list(range(200))}, fields=recorded, failing=lambda _: 0.5, timed_out=0,
        messages=tuple(("RUN_FAIL_EXEC", f"{word} went wrong") for word in WORDS), name="wide",
    )  # fmt: skip
    return [write_ledger(path / "wide.ledger.jsonl", story)]


def _shards(path: Path) -> list[Path]:
    stories = [Story(axes={"shard": [n], "i": list(range(40))}, seed=n, name="sharded") for n in range(3)]
    return [write_ledger(path / f"shard-{n}.ledger.jsonl", story) for n, story in enumerate(stories)]


def _one(**story: Any) -> Callable[[Path], list[Path]]:
    return lambda path: [write_ledger(path / "one.ledger.jsonl", Story(**story))]


def _none(path: Path) -> list[Path]:
    return [write_events(path / "none.ledger.jsonl", [batch_event(Story(axes={}), 0, START_S)])]


def _not_begun(path: Path) -> list[Path]:
    return [write_events(path / "unsent.ledger.jsonl", [batch_event(Story(axes={}), 24, START_S)])]


WORDS = [a + b for a in "abcdefghij" for b in "klmnopqrst"]
AREAS = {"area": ["nyc", "lax", "ord"], "year": [2021, 2022, 2023, 2024]}

BATCHES: dict[str, Callable[[Path], list[Path]]] = {
    "seasons": lambda path: [write_ledger(path / "ndvi.ledger.jsonl", SEASONS)],
    "no runs": _none,
    "nothing sent": _not_begun,
    "one run": _one(axes={"area": ["nyc"]}),
    "two runs": _one(axes={"area": ["nyc", "lax"]}, failing=lambda p: float(p["area"] == "lax")),
    "one axis": _one(axes={"year": list(range(1990, 2025))}, failing=lambda p: 0.9 if p["year"] < 1996 else 0.05),
    "no axis": _one(axes={"only": ["one"]}, runs=1, fields=lambda _: {}),
    "twelve axes": _many_axes,
    "5,000 values": _long_axis,
    "all failed": _one(axes=AREAS, failing=lambda _: 1.0, timed_out=0.3),
    "none ended": _one(axes=AREAS, until=0.01, refused=0.2),
    "half way": _one(axes=AREAS | {"tile": list(range(20))}, until=0.5, failing=lambda _: 0.1, rejected=lambda _: 0.05),
    "not followed": _one(axes=AREAS, followed=False),
    "no costs": _one(axes=AREAS, costs=False, max_active=None),
    "missing fields": _partial_points,
    "hostile": _hostile,
    "several ledgers": _shards,
    "300 fields": _many_fields,
}
