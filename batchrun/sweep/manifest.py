"""The manifest's tables as models: their shape, their unknown keys, and how their errors are told."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from batchrun.sweep.durations import DURATION_FIX, seconds_of
from batchrun.sweep.lines import Lines
from batchrun.sweep.overlay import lay_over
from batchrun.sweep.problems import Problems, did_you_mean
from batchrun.sweep.source import Overrides, parse_toml, read_text
from batchrun.sweep.values import shown

__all__ = ["DEFAULT_MAX_POINTS", "Manifest", "Overrides", "SubmitTable", "Tables"]

DEFAULT_MAX_POINTS = 1000
NO_OVERRIDES = Overrides()
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Table(BaseModel):
    """Unknown keys are errors, and nothing is turned into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PythonTable(Table):
    uri: str


class JarTable(Table):
    uri: str
    main_class: str


class DependencyTable(Table):
    """``{ pypi, version }`` or ``{ file }``."""

    pypi: str | None = None
    version: str | None = None
    file: str | None = None


class RunTable(Table):
    """What every run sends; every string is a template."""

    name: str = "{{sweep}}-{{hash}}"
    runtime: str | None = None
    region: str | None = None
    version: str | None = None
    timeout: int | float | str | None = None
    python: str | PythonTable | None = None
    jar: JarTable | None = None
    args: list[Any] = Field(default_factory=list)
    spark: dict[str, Any] = Field(default_factory=dict)
    dependencies: list[DependencyTable] = Field(default_factory=list)
    driver_disk_gb: int | str | None = None
    executor_disk_gb: int | str | None = None


class OverrideTable(Table):
    """``when``, then the settings that it changes; None is what it leaves alone."""

    when: dict[str, Any]
    runtime: str | None = None
    region: str | None = None
    version: str | None = None
    timeout: int | float | str | None = None
    python: str | PythonTable | None = None
    jar: JarTable | None = None
    args: list[Any] | None = None
    spark: dict[str, Any] = Field(default_factory=dict)
    dependencies: list[DependencyTable] | None = None
    driver_disk_gb: int | str | None = None
    executor_disk_gb: int | str | None = None
    add_args: list[Any] = Field(default_factory=list)
    add_dependencies: list[DependencyTable] = Field(default_factory=list)


class LookupTable(Table):
    """A derived value looked up by an axis' value."""

    lookup: str
    map: dict[str, Any]
    default: Any = None


class SampleTable(Table):
    count: int = Field(ge=1)
    seed: int


def _duration(value: object) -> object:
    seconds = seconds_of(value)
    if seconds is None:
        raise ValueError(f"{shown(value)} is no time; {DURATION_FIX}")
    return seconds


def _failures(value: object) -> object:
    """A count, a share below 1, or a share written as a percentage."""
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())):
        value = float(found[1]) / 100
        if 0 < value < 1:
            return value
    if isinstance(value, int | float) and not isinstance(value, bool) and (0 < value < 1 or _is_count(value)):
        return float(value)
    raise ValueError(f'{shown(value)} is neither a count nor a share; give a count such as 25, or a share such as "5%"')


def _is_count(value: float) -> bool:
    """A plan file holds a count of 25 as 25.0."""
    return value >= 1 and float(value).is_integer()


class SubmitTable(Table):
    """How to submit; what is None is left to the engine."""

    max_points: int = Field(default=DEFAULT_MAX_POINTS, ge=1)
    concurrency: int | None = Field(default=None, ge=1)
    rate: float | None = Field(default=None, gt=0)
    burst: int | None = Field(default=None, ge=1)
    max_active: int | None = Field(default=None, ge=1)
    max_attempts: int | None = Field(default=None, ge=1)
    settle_after_s: Annotated[float | None, BeforeValidator(_duration)] = Field(default=None, alias="settle_after")
    stop_after_failures: Annotated[float | None, BeforeValidator(_failures)] = None


class Tables(Table):
    """The whole file."""

    version: Literal[1]
    vars: dict[str, Any] = Field(default_factory=dict)
    run: RunTable
    axes: dict[str, Any] = Field(default_factory=dict)
    derive: dict[str, str | LookupTable] = Field(default_factory=dict)
    exclude: list[dict[str, Any]] = Field(default_factory=list)
    include: list[dict[str, Any]] = Field(default_factory=list)
    override: list[OverrideTable] = Field(default_factory=list)
    sample: SampleTable | None = None
    submit: SubmitTable = SubmitTable()
    allow_unused: list[str] = Field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest whose shape is right; whether its values make sense, planning tells."""

    name: str
    """The sweep's name: the file's stem."""
    text: str
    directory: Path
    """Data files are relative to it."""
    overrides: Overrides
    tables: Tables
    default_region: str | None = None
    stdin: bytes | None = None
    """What came on standard input, where an axis reads it."""
    lines: Lines = field(repr=False, compare=False)
    file: str | None = None
    """What messages call the file; None leaves lines out of them."""

    @property
    def submit(self) -> SubmitTable:
        return self.tables.submit

    @property
    def reads_stdin(self) -> bool:
        """Whether an axis has ``file = "-"``."""
        return any(isinstance(source, dict) and source.get("file") == "-" for source in self.tables.axes.values())

    @classmethod
    def load(
        cls, path: Path, overrides: Overrides = NO_OVERRIDES, *, environ: Mapping[str, str] | None = None
    ) -> "Manifest":
        """Read a manifest file.

        Raises:
            ManifestError: it cannot be read, is not TOML, or has the wrong shape.

        """
        manifest = cls.parse(
            read_text(path), name=path.stem, directory=path.parent, overrides=overrides, environ=environ, file=str(path)
        )
        return manifest if not manifest.reads_stdin else replace(manifest, stdin=sys.stdin.buffer.read())

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        name: str,
        directory: Path,
        overrides: Overrides = NO_OVERRIDES,
        environ: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        file: str | None = None,
    ) -> "Manifest":
        """A manifest from its text.

        Raises:
            ManifestError: it is not TOML, or has the wrong shape.

        """
        place = file or f"{name}.toml"
        lines = Lines(text)
        document = lay_over(parse_toml(text, place), overrides)
        return cls(
            name=name,
            text=text,
            directory=directory,
            overrides=overrides,
            tables=checked_tables(document, Problems(lines, file)),
            default_region=(environ or {}).get("WHEROBOTS_REGION") or None,
            stdin=stdin,
            lines=lines,
            file=file,
        )


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
