"""What the table of rooms counts, on a sample that is small enough to count by hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.house import Module, read_module, read_rooms

SAMPLE = '''\
"""A module."""

from typing import TYPE_CHECKING

import batchrun.errors
from batchrun.engine import submit
from batchrun.engine.tally import Tally

if TYPE_CHECKING:
    from batchrun.cli import app

LIMIT = 3  # from the reference
"""The limit."""


class Worker:
    # a reason

    def run(self, a: int, b: int, c: int, d: int, *, e: int = 0) -> int:
        """Do it.

        At length.
        """
        text = """one
        two"""

        # why
        return self._step(a) + self._often() + self._often() + len(text)  # noqa: X1 - not a comment

    def _step(self, a: int) -> int:
        def inner() -> int:
            return a

        return inner()

    def _often(self) -> int:
        return _helper(1, 2, 3)

    def declared(self) -> int:
        """Only this."""
        ...


def _helper(a: int, b: int, c: int, /) -> int:
    return a
'''
KNOWN = frozenset({"batchrun.errors", "batchrun.engine", "batchrun.engine.submit", "batchrun.engine.tally"})


@pytest.fixture
def module() -> Module:
    return read_module(SAMPLE, "batchrun.sample", KNOWN)


def test_bodies_are_counted_without_docstrings_blank_lines_and_comments(module: Module) -> None:
    assert sorted(module.bodies) == [1, 1, 1, 3, 3]


def test_lines_of_code_and_of_comments(module: Module) -> None:
    assert module.lines == SAMPLE.count("\n")
    assert module.comment_lines == 3
    assert module.reason_lines == 3 + 1  # the string below the constant, not those of functions
    assert module.code_lines == 7 + 1 + 2 + 3 + 4 + 2 + 1 + 2


def test_private_functions_that_are_used_once(module: Module) -> None:
    assert module.used_once == ("_helper", "_step")


def test_four_positional_parameters_are_many_and_self_is_none(module: Module) -> None:
    assert module.many_parameters == ("run",)


def test_what_only_type_checkers_import_is_not_counted(module: Module) -> None:
    assert module.imports == {"batchrun.errors", "batchrun.engine.submit", "batchrun.engine.tally"}


def test_a_folder_is_a_room_and_all_are_added_up(tmp_path: Path) -> None:
    for name in ("__init__.py", "errors.py", "engine/__init__.py", "engine/submit.py"):
        path = tmp_path / "batchrun" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from batchrun.errors import X\n\n\ndef f() -> None:\n    X()\n" if "submit" in name else "")
    rooms = {room.room: room for room in read_rooms(tmp_path)}
    assert list(rooms) == ["batchrun", "batchrun/engine", "all"]
    engine, everything = rooms["batchrun/engine"], rooms["all"]
    assert (engine.files, engine.lines, engine.body_median, engine.body_p90) == (2, 5, 1, 1)
    assert (engine.fan_out, engine.widest) == (1, "batchrun.engine.submit")
    assert (everything.files, everything.lines) == (4, 5)


def test_it_prints_a_table_or_json() -> None:
    command = [sys.executable, "-m", "benchmarks.house"]
    root = Path(__file__).parents[2]
    table = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    document = json.loads(subprocess.run([*command, "--json"], cwd=root, capture_output=True, check=True).stdout)
    assert [line.split()[0] for line in table.splitlines()] == ["room", *(room["room"] for room in document)]
