"""Generated pages are up to date, and everything that has a name is documented."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from batchrun.ledger.schema import ledger_schema
from batchrun.sweep.manifest.schema import manifest_schema

ROOT = Path(__file__).parents[2]
GENERATE = runpy.run_path(str(ROOT / "docs" / "generate.py"))


@pytest.mark.parametrize("name", GENERATE["PAGES"])
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == GENERATE["PAGES"][name](), "run: python docs/generate.py"


def test_every_key_of_a_manifest_is_on_its_page() -> None:
    text = (ROOT / "docs" / "manifest.md").read_text("utf-8")
    schema = manifest_schema()
    keys = {key for table in schema["definitions"].values() for key in table.get("properties", {})}
    assert sorted(key for key in keys if not re.search(rf"\b{re.escape(key)}\b", text)) == []


def test_every_dependency_is_on_the_page_of_licenses() -> None:
    text = (ROOT / "docs/reference/licenses.md").read_text("utf-8")
    needed = {
        name for extra in ("", *GENERATE["EXTRAS"]) for name in GENERATE["_required"]("batchrun-wherobots", extra)
    }
    assert sorted(name for name in needed if f"\n| {name} | " not in text and name != "batchrun-wherobots") == []


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = [page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").rglob("*.md")]
    assert [str(page) for page in pages if f"\n{page}\n" not in index and str(page) != "index"] == []


@pytest.mark.parametrize(
    ("line", "is_valid"),
    [
        ({"event": "attempt", "at": "2026-11-25T10:00:00.000Z", "key": "k", "n": 1, "name": "tile-1"}, True),
        ({"event": "submitted", "at": "x", "key": "k", "n": 1, "run_id": "r", "name": "n", "point": {"a": 1}}, True),
        ({"event": "attempt", "at": "x", "key": "k"}, False),
        ({"event": "nothing", "at": "x"}, False),
    ],
)
def test_the_schema_describes_a_ledgers_lines(line: dict[str, Any], is_valid: bool) -> None:
    schema = ledger_schema()
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(line) is is_valid
    assert json.dumps(schema)
