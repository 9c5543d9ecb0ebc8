"""The JSON Schema of a manifest, for editors.

``additionalProperties`` is false everywhere, so that a misspelt key is underlined.
"""

from typing import Any

from batchrun.sweep.manifest.tables import Tables
from batchrun.wherobots.enums import RuntimeId

__all__ = ["manifest_schema"]

DRAFT = "http://json-schema.org/draft-07/schema#"
# Patterns are ECMA-262 regular expressions, as JSON Schema prescribes: with the u flag, a brace that is not escaped is an error.
PLACEHOLDER = {"type": "string", "pattern": r"\{\{"}
SCALAR = {"type": ["string", "number", "boolean"]}
# Editors see TOML's dates as strings.
DATE_OR_NUMBER = {"type": ["string", "number"], "description": "A number, or a date."}
COLUMN = {"type": "array", "minItems": 1, "items": SCALAR}
RECORD = {"type": "object", "minProperties": 1, "additionalProperties": SCALAR}


def _closed(properties: dict[str, Any], required: list[str], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "description": description,
    }


AXIS = {
    "anyOf": [
        {"type": "array", "minItems": 1, "items": {"anyOf": [SCALAR, RECORD]}, "description": "A list of values."},
        _closed(
            {
                "from": DATE_OR_NUMBER,
                "to": DATE_OR_NUMBER,
                "step": {"type": ["string", "number"]},
                "count": {"type": "integer", "minimum": 1},
                "scale": {"enum": ["linear", "log"]},
            },
            ["from", "to"],
            "A range, both ends included.",
        ),
        _closed({"zip": {"type": "object", "additionalProperties": COLUMN}}, ["zip"], "Columns of equal length."),
        _closed(
            {
                "file": {"type": "string"},
                "types": {
                    "type": "object",
                    "additionalProperties": {"enum": ["string", "int", "float", "bool", "date", "datetime"]},
                },
                "columns": {"type": "array", "items": {"type": "string"}},
                "rename": {"type": "object", "additionalProperties": {"type": "string"}},
                "where": {"type": "object"},
                "missing": {"type": "object", "additionalProperties": SCALAR},
            },
            ["file"],
            "Points from a CSV, JSON Lines or Parquet file, or from standard input ('-').",
        ),
    ]
}


def manifest_schema() -> dict[str, Any]:
    """The schema, generated from the models that read a manifest; what they leave to later checks is spelled out here."""
    schema = Tables.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs")
    for table in definitions.values():
        table["additionalProperties"] = False
    runtime = {"anyOf": [{"enum": [one.value for one in RuntimeId]}, PLACEHOLDER]}
    definitions["RunTable"]["properties"]["runtime"] = runtime | {"description": "The size of the cluster."}
    definitions["OverrideTable"]["properties"]["runtime"] = runtime
    # Their validators take more than the type that they return.
    definitions["SubmitTable"]["properties"]["settle_after"] = {"type": ["string", "number"]}
    definitions["SubmitTable"]["properties"]["give_up_after"] = {"type": ["string", "number"]}
    definitions["SubmitTable"]["properties"]["stop_after_failures"] = {"type": ["string", "number"]}
    schema["properties"]["vars"]["additionalProperties"] = SCALAR
    schema["properties"]["axes"]["additionalProperties"] = AXIS
    named = {"$schema": DRAFT, "title": "batchrun sweep manifest"}
    whole: dict[str, Any] = _as_draft07({**schema, **named, "additionalProperties": False, "definitions": definitions})
    return whole


def _as_draft07(node: Any) -> Any:
    """Rewrites references for draft-07 (pydantic writes 2020-12) and drops null defaults, which TOML cannot express."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", "#/definitions/") if key == "$ref" else _as_draft07(value)
            for key, value in node.items()
            if not (key == "default" and value is None)
        }
    return [_as_draft07(one) for one in node] if isinstance(node, list) else node
