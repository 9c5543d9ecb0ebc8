import time

import pytest

from batchrun.sweep.manifest.lines import Lines

TEXT = """\
version = 1
[run]  # what every run sends
args = ["a",
        "b"]
"spark.x" = 1
spark . sql . y = 2

[axes.site.zip]
id = ["nyc"]

[[exclude]]
site.id = "ord"

[[exclude]]
res = 10

[[run.dependencies]]
pypi = "h3"

[[run.dependencies]]
file = "a.jar"
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("version", 1),
        ("run", 2),
        ("run.args[1]", 3),
        ("run.spark.x", 5),
        ("run.spark.sql.y", 6),
        ("axes.site.zip.id", 9),
        ("exclude #1: site.id", 12),
        ("exclude #2", 14),
        ("exclude #2: res", 15),
        ("exclude #2: year", 14),
        ("run.dependencies[0].version", 17),
        ("run.dependencies[1]", 20),
        ("run.dependencies[1].file", 21),
        ("run.timeout", 2),
        ("submit", None),
        ("", None),
    ],
)
def test_a_place_has_its_own_line_or_that_of_its_nearest_parent(place: str, line: int | None) -> None:
    assert Lines(TEXT).of(place) == line


def test_the_first_of_two_lines_counts() -> None:
    assert Lines('a = """\na = 2\n"""\n').of("a") == 1


@pytest.mark.parametrize("line", ["[" + " " * 20_000, " " * 20_000, "a" + " " * 20_000, "a" + " ." * 10_000])
def test_a_line_of_blanks_is_scanned_at_once(line: str) -> None:
    before = time.process_time()
    Lines(line)
    assert time.process_time() - before < 1
