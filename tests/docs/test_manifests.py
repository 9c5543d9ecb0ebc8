"""Every manifest that a page shows is planned, fits the schema, and makes as many runs as it says."""

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.manifest.schema import manifest_schema
from batchrun.sweep.plan import build_plan
from tests.sweep.test_schema import as_json

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / "docs" / "emulator.md"  # its blocks are settings of the emulator
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if page != EMULATOR)]
BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COUNT = re.compile(r"\A# (\d+) runs?\b")
NEEDED = {"name": "example-{{hash}}", "runtime": "tiny", "region": "aws-us-west-2", "python": "s3://acme/job.py"}


def shown() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text("utf-8")
        for found in BLOCK.finditer(text):
            yield f"{page.name}:{text.count(chr(10), 0, found.start()) + 1}", found[1]


def whole(piece: str) -> str:
    """A piece of a manifest with what it leaves out."""
    tables = tomllib.loads(piece)
    if "version" in tables:
        return piece
    run = tables.get("run", {})
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in NEEDED.items() if key not in run]
    head = "[run]\n" + "".join(line for line in lines if not ("jar" in run and line.startswith("python")))
    body = piece.replace("[run]\n", head, 1) if "\n[run]\n" in piece else f"{head}\n{piece}"
    return f"version = 1\nallow_unused = {json.dumps(list(tables.get('axes', {})))}\n\n{body}"


BLOCKS = dict(shown())


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example manifests' data files, and the local files that the pages name."""
    folder = tmp_path_factory.mktemp("pages") / "manifests"
    shutil.copytree(ROOT / "manifests", folder)
    (folder / "libs").mkdir()
    for name in ("job.py", "libs/helpers.zip"):
        (folder / name).write_text("# content\n")
    return folder


@pytest.mark.parametrize("piece", BLOCKS.values(), ids=BLOCKS)
def test_a_manifest_on_a_page_makes_what_the_page_says(piece: str, directory: Path) -> None:
    text = whole(piece)
    assert [
        error.message for error in Draft7Validator(manifest_schema()).iter_errors(as_json(tomllib.loads(text)))
    ] == []
    plan = build_plan(Manifest.parse(text, name="page", directory=directory))
    if counted := COUNT.match(piece):
        assert plan.runs == int(counted[1])


def test_pages_show_manifests() -> None:
    assert len([block for block in BLOCKS if block.startswith("manifest.md")]) > 10
