"""Whether a parsed file has the manifest's shape, and how what is wrong with it is told."""

from typing import Any

from pydantic import BaseModel, ValidationError

from batchrun.sweep.manifest.problems import Problems, did_you_mean
from batchrun.sweep.manifest.tables import (
    DependencyTable,
    JarTable,
    LookupTable,
    OverrideTable,
    PythonTable,
    RunTable,
    SampleTable,
    SubmitTable,
    Tables,
)
from batchrun.sweep.values import shown

__all__ = ["checked_tables"]


def checked_tables(document: dict[str, Any], problems: Problems) -> Tables:
    """The tables of a parsed file.

    Raises:
        ManifestError: their shape is wrong; all of it is told.

    """
    if "version" not in document:
        problems.add("version", "the manifest has no version", "add version = 1 as its first line")
    if "run" not in document:
        problems.add("run", "the manifest has no [run] table", "add one: it says what every run sends")
    problems.check()
    try:
        return Tables.model_validate(document)
    except ValidationError as error:
        for one in error.errors():
            _tell(one, problems)
        problems.check()
        raise


def _tell(error: Any, problems: Problems) -> None:
    loc = [part for part in error["loc"] if not (isinstance(part, str) and part in _UNION_TAGS)]
    place, name = place_of(loc[:-1]), str(loc[-1]) if loc else ""
    kind = error["type"]
    if kind == "extra_forbidden":
        if loc == ["extends"]:
            problems.add("extends", "it is reserved for a later version", "write the manifest out")
            return
        if name == "name" and loc[:1] == ["override"]:
            problems.add(place, "'name' may not be overridden", "a run's name comes from run.name alone")
            return
        problems.add(place, f"unknown key '{name}'", did_you_mean(name, _known_keys(error["loc"][:-1])))
    elif kind == "missing":
        problems.add(place, f"no '{name}'", f"add {name} = …")
    elif kind == "literal_error" and loc == ["version"]:
        problems.add("version", f"{shown(error['input'])} is no format version", "write version = 1")
    elif kind == "value_error":
        fact, _, fix = str(error["ctx"]["error"]).partition("; ")
        problems.add(place_of(loc), fact, fix)
    else:
        problems.add(place_of(loc), f"{_shortened(error['input'])} does not fit", _lower(error["msg"]))


_UNION_TAGS = {"PythonTable", "LookupTable", "str", "int", "float"}


def place_of(loc: list[Any] | tuple[Any, ...]) -> str:
    """A location in the tables as people say it: ``run.args[3]``, ``exclude #1: res``."""
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
    """The keys that may stand where an unknown one did."""
    model: type[BaseModel] = Tables
    for part in loc:
        inner = _MODELS.get(str(part))
        model = inner if inner is not None else model
    return [one.alias or name for name, one in model.model_fields.items()]


_MODELS: dict[str, type[BaseModel]] = {
    "run": RunTable,
    "override": OverrideTable,
    "sample": SampleTable,
    "submit": SubmitTable,
    "jar": JarTable,
    "PythonTable": PythonTable,
    "LookupTable": LookupTable,
    "dependencies": DependencyTable,
    "add_dependencies": DependencyTable,
}


def _shortened(value: object) -> str:
    text = shown(value)
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - what fits into a message


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
