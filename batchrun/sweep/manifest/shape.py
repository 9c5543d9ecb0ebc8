"""Check that a parsed file has a manifest's shape; pydantic's errors become places, facts and fixes."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from batchrun.sweep.manifest.problems import Problems, did_you_mean
from batchrun.sweep.manifest.tables import (
    CostTable,
    DependencyTable,
    JarTable,
    LookupTable,
    OverrideTable,
    PythonTable,
    RerunTable,
    RunTable,
    SampleTable,
    SubmitTable,
    Tables,
)
from batchrun.sweep.values import as_toml, shown

__all__ = ["checked_rerun", "checked_tables", "place_of"]

_UNION_TAGS = {"PythonTable", "LookupTable", "str", "int", "float"}
"""What pydantic adds to a location for the member of a union that it tried."""

_MODELS: dict[str, type[BaseModel]] = {
    "run": RunTable,
    "override": OverrideTable,
    "sample": SampleTable,
    "submit": SubmitTable,
    "cost": CostTable,
    "jar": JarTable,
    "PythonTable": PythonTable,
    "LookupTable": LookupTable,
    "dependencies": DependencyTable,
    "add_dependencies": DependencyTable,
}

_EXPECTED = {
    "string_type": "use a string",
    "int_type": "use a whole number",
    "float_type": "use a number",
    "list_type": "use a list",
    "dict_type": "use a table",
    "model_type": "use a table",
}
"""Pydantic's words for these are Python's, such as "a valid dictionary or instance of PythonTable"."""


def checked_tables(document: dict[str, Any], problems: Problems) -> Tables:
    """The tables of a parsed file.

    Raises:
        ManifestError: their shape is wrong; it carries every problem.

    """
    if "version" not in document:
        problems.at("version").add("the manifest has no version", "add version = 1 as its first line")
    if "run" not in document:
        problems.at("run").add("the manifest has no [run] table", "add one; it sets what every run sends")
    problems.check()  # without these two tables every other message would be noise
    try:
        return Tables.model_validate(document)
    except ValidationError as error:
        for one in error.errors():
            _report(one, problems)
        problems.check()
        raise


def checked_rerun(settings: Mapping[str, Any], problems: Problems) -> RerunTable:
    """What ``rerun --set`` changes, as a table.

    Raises:
        ManifestError: its shape is wrong; it carries every problem.

    """
    try:
        return RerunTable.model_validate(dict(settings))
    except ValidationError as error:
        for one in error.errors():
            name = ".".join(str(part) for part in one["loc"] if part not in _UNION_TAGS)
            problems.at(f"--set run.{name}").add(one["msg"].lower(), "see the manifest's [run] table")
        problems.check()
        raise


def _report(error: Any, problems: Problems) -> None:
    loc = [part for part in error["loc"] if not (isinstance(part, str) and part in _UNION_TAGS)]
    at, table = problems.at(place_of(loc)), problems.at(place_of(loc[:-1]))
    name = str(loc[-1]) if loc else ""
    match error["type"]:
        case "extra_forbidden" if loc == ["extends"]:
            at.add("reserved for a later version", "write the whole manifest in one file")
        case "extra_forbidden" if name == "name" and loc[:1] == ["override"]:
            table.add("'name' may not be overridden", "a run's name comes from run.name alone")
        case "extra_forbidden":
            table.add(f"unknown key '{name}'", did_you_mean(name, _known_keys(error["loc"][:-1])))
        case "missing":
            table.add(f"no '{name}'", f"add {name} = …")
        case "literal_error" if loc == ["version"]:
            at.add(f"{as_toml(error['input'])} is not a supported format version", "write version = 1")
        case "value_error":  # raised by our own validators, which write "fact; fix"
            fact, _, fix = str(error["ctx"]["error"]).partition("; ")
            at.add(fact, fix)
        case _:
            message = error["msg"].replace("Input should be ", "use a value ")
            fix = _EXPECTED.get(error["type"], message[:1].lower() + message[1:])
            at.add(f"invalid value {shown(error['input'])}", fix)


def place_of(loc: list[Any] | tuple[Any, ...]) -> str:
    """A location in the tables as messages show it: ``run.args[3]``, ``exclude #1: res``."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f" #{part + 1}: " if text in {"exclude", "include", "override"} else f"[{part}]"
        elif text and not text.endswith(": "):
            text += f".{part}"
        else:
            text += str(part)
    return text.removesuffix(": ")


def _known_keys(loc: tuple[Any, ...]) -> list[str]:
    """The keys of the table that an unknown key was found in."""
    model: type[BaseModel] = Tables
    for part in loc:
        model = _MODELS.get(str(part), model)
    return [one.alias or name for name, one in model.model_fields.items()]
