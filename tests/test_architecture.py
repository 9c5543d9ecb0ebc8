"""What docs/architecture.md points to is there: rooms, modules, lines, and the symbols named beside them."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typing_extensions import override

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
NEAR = 5
"""Lines between a symbol and the line number that the page gives for it."""

_SYMBOL = r"`(?P<{0}>[A-Za-z_][\w.]*)(?:\(\))?`"
_REFERENCE = re.compile(
    rf"(?:{_SYMBOL.format('before')}\s*(?:[|:\]]|in|at)?\s*)?"  # `judge` in batchrun/engine/verdicts.py:40
    r"[`(\[]*(?:\.\./)*(?<!\w)(?P<path>batchrun/[\w/]+(?:\.py)?)(?:(?::|\#L)(?P<line>\d+))?[`)\]]*"
    rf"(?:\s*[|:(]?\s*{_SYMBOL.format('after')}(?!\s*(?:[|:(]|in|at)*\s*[`(\[]*(?:\.\./)*batchrun/))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A room or a module that the page names; ``symbol`` stands beside it."""

    path: str
    line: int | None = None
    symbol: str | None = None

    @override
    def __str__(self) -> str:
        return self.path + (f":{self.line}" if self.line else "") + (f" {self.symbol}" if self.symbol else "")


def references(text: str) -> Iterator[Reference]:
    for found in _REFERENCE.finditer(text):
        line = int(found["line"]) if found["line"] else None
        yield Reference(found["path"], line, found["before"] or found["after"])


def fault(reference: Reference) -> str | None:
    """What is wrong with a reference."""
    path = ROOT / reference.path
    if not path.exists():
        return "does not exist"
    if path.is_dir():
        return None
    lines = path.read_text("utf-8").splitlines()
    if reference.line is not None and not 1 <= reference.line <= len(lines):
        return f"has {len(lines)} lines"
    if reference.symbol is None:
        return None
    name = reference.symbol.rpartition(".")[2]
    near = lines if reference.line is None else lines[max(reference.line - 1 - NEAR, 0) : reference.line + NEAR]
    return None if any(re.search(rf"\b{name}\b", line) for line in near) else f"does not say {name} there"


@pytest.mark.parametrize("reference", sorted(set(references(PAGE.read_text("utf-8"))), key=str), ids=str)
def test_what_the_page_names_is_there(reference: Reference) -> None:
    assert fault(reference) is None


def test_the_page_names_every_room() -> None:
    rooms = {path.parent.name for path in (ROOT / "batchrun").glob("*/__init__.py")}
    text = PAGE.read_text("utf-8")
    assert [room for room in sorted(rooms) if f"batchrun/{room}" not in text] == []


def test_the_page_names_every_module_beside_the_rooms() -> None:
    text = PAGE.read_text("utf-8")
    assert [path.name for path in sorted((ROOT / "batchrun").glob("*.py")) if f"batchrun/{path.name}" not in text] == []


def layers_of(container: str) -> list[str]:
    """The layers that are enforced inside a room, from the top."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract.get("containers") == [container])
    return list(layers)


@pytest.mark.parametrize(
    ("section", "container"), [("# Architecture", "batchrun"), ("## Inside the engine", "batchrun.engine")]
)
def test_a_picture_shows_the_layers_that_are_enforced(section: str, container: str) -> None:
    picture = PAGE.read_text("utf-8").partition(section)[2].partition("```text\n")[2].partition("```")[0]
    assert [line.partition("  ")[0] for line in picture.splitlines()] == layers_of(container)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see batchrun/errors.py.", Reference("batchrun/errors.py")),
        ("`Problem` in batchrun/errors.py:3", Reference("batchrun/errors.py", 3, "Problem")),
        ("`Problem` (`batchrun/errors.py:3`)", Reference("batchrun/errors.py", 3, "Problem")),
        ("| batchrun/errors.py:3 | `Problem.text()` |", Reference("batchrun/errors.py", 3, "Problem.text")),
        ("[`Problem`](../batchrun/errors.py#L3)", Reference("batchrun/errors.py", 3, "Problem")),
        ("in `batchrun/engine/pacing/`", Reference("batchrun/engine/pacing/")),
    ],
)
def test_a_reference_is_read_in_each_form(text: str, expected: Reference) -> None:
    assert list(references(text)) == [expected]


def test_a_symbol_belongs_to_the_reference_that_it_introduces() -> None:
    text = "batchrun/errors.py `Problem`: batchrun/report/summary.py:9, `submit`: batchrun/engine/submit.py"
    assert [reference.symbol for reference in references(text)] == [None, "Problem", "submit"]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (Reference("batchrun/nowhere.py"), "does not exist"),
        (Reference("batchrun/errors.py", 9999), "has "),
        (Reference("batchrun/errors.py", None, "Manifesto"), "does not say Manifesto there"),
        (Reference("batchrun/errors.py", 1, "ApiError"), "does not say ApiError there"),
    ],
    ids=str,
)
def test_a_wrong_reference_is_reported(reference: Reference, expected: str) -> None:
    assert (fault(reference) or "").startswith(expected)
