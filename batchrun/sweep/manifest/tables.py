"""The manifest's tables as models: what may stand where."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from batchrun.sweep.manifest.durations import DURATION_FIX, seconds_of
from batchrun.sweep.values import shown

__all__ = [
    "DEFAULT_MAX_POINTS",
    "DependencyTable",
    "JarTable",
    "LookupTable",
    "OverrideTable",
    "PythonTable",
    "RunTable",
    "SampleTable",
    "SubmitTable",
    "Tables",
]

DEFAULT_MAX_POINTS = 1000


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
        share = float(found[1]) / 100
        if 0 < share < 1:
            return share
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
