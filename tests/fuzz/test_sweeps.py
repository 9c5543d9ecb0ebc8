"""Whatever a manifest, a plan or a data file holds, planning ends in a plan or in errors that fit on a screen."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import strategies as st

from batchrun.errors import BatchrunError, UsageError
from batchrun.sweep.manifest.manifest import Manifest, Overrides
from batchrun.sweep.plan import build_plan, read_plan, write_plan
from tests.fuzz.inputs import documents, fuzzed, mangled

MANIFESTS = Path(__file__).parents[2] / "manifests"
TEXTS = [path.read_bytes() for path in sorted(MANIFESTS.glob("*.toml"))]
CSV = b'id,lon,lat,size\n000000,-131.6,7.5,s\n000001,12.25,-7,m\n"a,b",0,0,"l""x"\n'
JSONL = b'{"id":"a","lon":-131.6,"lat":7,"size":"s"}\n{"id":"b","lon":1.5,"lat":8,"size":"m"}\n'
SWEEP = """\
version = 1
[run]
name = "tile-{{index:04d}}-{{hash}}"
runtime = "tiny"
region = "r"
python = "s3://b/j.py"
args = ["{{tile.id}}", "{{tile.lon}}", "{{tile.lat}}", "{{tile.size}}"]
[axes.tile]
file = "%s"
%smissing = { lon = 0.5 }
where = { lat = { from = -60 } }
"""
FLOATS = 'types = { lon = "float", lat = "%s" }\n'
Flags = tuple[str, ...]
MOST_CHARACTERS = 200_000


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def planned(text: str, directory: Path, overrides: Overrides | None = None) -> None:
    """Plan a manifest and look at every run."""
    try:
        manifest = Manifest.parse(
            text, name="fuzz", directory=directory, overrides=overrides or Overrides(), environ={}
        )
        for run in build_plan(manifest):
            json.loads(run.body)
    except BatchrunError as error:
        shown(error)


def shown(error: BatchrunError) -> None:
    assert len(str(error)) < MOST_CHARACTERS


@fuzzed(mangled(*TEXTS))
def test_any_text_is_planned_or_refused(text: bytes) -> None:
    planned(text.decode("utf-8", "replace"), MANIFESTS)


@fuzzed(st.sampled_from(TEXTS), *[st.lists(st.text(max_size=30), max_size=2).map(tuple)] * 3)
def test_any_flag_is_applied_or_refused(text: bytes, axes: Flags, settings: Flags, tests: Flags) -> None:
    planned(text.decode(), MANIFESTS, Overrides(axis=axes, set=settings, where=tests))


@pytest.mark.parametrize("kind", ["float", "int", "str", "bool", "date"])
@fuzzed(mangled(CSV))
def test_any_csv_is_read_or_refused(kind: str, content: bytes) -> None:
    with folder() as directory:
        (directory / "t.csv").write_bytes(content)
        planned(SWEEP % ("t.csv", FLOATS % kind), directory)


@fuzzed(st.one_of(mangled(JSONL), st.lists(documents(*map(json.loads, JSONL.splitlines())), max_size=4).map(
    lambda rows: b"\n".join(json.dumps(row).encode() for row in rows)
)))  # fmt: skip
def test_any_jsonl_is_read_or_refused(content: bytes) -> None:
    with folder() as directory:
        (directory / "t.jsonl").write_bytes(content)
        planned(SWEEP % ("t.jsonl", ""), directory)


def plan_file() -> bytes:
    """A plan as it is written."""
    with folder() as directory:
        text = (MANIFESTS / "ndvi.toml").read_text("utf-8")
        write_plan(build_plan(Manifest.parse(text, name="ndvi", directory=directory)), directory / "plan.jsonl")
        return (directory / "plan.jsonl").read_bytes()


PLAN = plan_file()
LINES = [json.loads(line) for line in PLAN.splitlines()]


@fuzzed(st.one_of(mangled(PLAN), st.tuples(documents(LINES[0]), st.lists(documents(*LINES[1:]), max_size=4)).map(
    lambda lines: b"".join(json.dumps(line).encode() + b"\n" for line in (lines[0], *lines[1]))
)))  # fmt: skip
def test_any_plan_is_read_or_refused(content: bytes) -> None:
    with folder() as directory:
        path = directory / "plan.jsonl"
        path.write_bytes(content)
        try:
            for run in read_plan(path):
                json.loads(run.body)
        except UsageError as error:
            shown(error)


def test_what_is_changed_can_be_read() -> None:
    for text in TEXTS:
        manifest = Manifest.parse(text.decode(), name="fuzz", directory=MANIFESTS, environ=os.environ)
        assert build_plan(manifest).runs
    with folder() as directory:
        (directory / "t.csv").write_bytes(CSV)
        assert (
            build_plan(Manifest.parse(SWEEP % ("t.csv", FLOATS % "float"), name="fuzz", directory=directory)).runs == 3
        )
        (directory / "t.jsonl").write_bytes(JSONL)
        assert build_plan(Manifest.parse(SWEEP % ("t.jsonl", ""), name="fuzz", directory=directory)).runs == 2
