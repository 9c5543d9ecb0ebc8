"""The JSON Schema for editors takes every example, and refuses what the loader refuses by its shape."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from batchrun.sweep.manifest.schema import manifest_schema
from batchrun.sweep.manifest.starter import STARTER_MANIFEST

EXAMPLES = sorted((Path(__file__).parents[2] / "manifests").glob("*.toml"))
VALIDATOR = Draft7Validator(manifest_schema())


def as_json(value: Any) -> Any:
    """TOML as a JSON validator sees it: dates are text."""
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def complaints(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(as_json(tomllib.loads(text)))]


def test_it_is_a_draft_07_schema_that_knows_every_key() -> None:
    schema = manifest_schema()
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["additionalProperties"] is False
    assert all(table["additionalProperties"] is False for table in schema["definitions"].values())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits(path: Path) -> None:
    assert complaints(path.read_text("utf-8")) == []


def test_the_starter_fits() -> None:
    assert complaints(STARTER_MANIFEST) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("runtime =", "runtme ="),
        ("[run]", "[rnu]"),
        ('runtime = "tiny"', 'runtime = "huge"'),
        ("version = 1", "version = 2"),
        ("[axes]", "[submit]\nrte = 5\n\n[axes]"),
    ],
)
def test_a_mistake_is_refused(before: str, after: str) -> None:
    text = next(path for path in EXAMPLES if path.stem == "quickstart").read_text("utf-8")
    assert before in text
    assert complaints(text.replace(before, after, 1)) != []
