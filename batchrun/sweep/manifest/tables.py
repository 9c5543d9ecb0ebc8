"""The manifest's tables as models: their keys, and the shape of the values."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from batchrun.sweep.manifest.durations import DURATION_FIX, seconds_of
from batchrun.sweep.values import as_toml

__all__ = [
    "DEFAULT_MAX_POINTS",
    "CostTable",
    "DependencyTable",
    "JarTable",
    "LookupTable",
    "OverrideTable",
    "PythonTable",
    "RerunTable",
    "RunTable",
    "SampleTable",
    "SubmitTable",
    "Tables",
]

DEFAULT_MAX_POINTS = 1000
"""A sweep beyond it is more often a typing mistake than a plan; who means it raises max_points."""
MAX_COUNT = 2**53  # a float counts exactly up to here


class Table(BaseModel):
    """Unknown keys are errors, and no value is converted to another type."""

    # strict: pydantic would otherwise accept "4" as a number and 1 as true.
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


class SettingsTable(Table):
    """What ``[run]`` sets and an override may change; None is not set."""

    runtime: str | None = None
    region: str | None = None
    version: str | None = None
    timeout: int | float | str | None = None
    python: str | PythonTable | None = None
    jar: JarTable | None = None
    spark: dict[str, Any] = Field(default_factory=dict)
    driver_disk_gb: int | str | None = None  # a string may be a placeholder
    executor_disk_gb: int | str | None = None


class RunTable(SettingsTable):
    """What every run sends; every string is a template."""

    name: str = "{{sweep}}-{{hash}}"
    args: list[Any] = Field(default_factory=list)
    dependencies: list[DependencyTable] = Field(default_factory=list)


class OverrideTable(SettingsTable):
    """``when``, then the settings that change where it matches. Lists replace, and ``add_`` lists append.

    There is no ``name``: two templates for names would make it easy to give two points one name.
    """

    when: dict[str, Any]
    args: list[Any] | None = None
    dependencies: list[DependencyTable] | None = None
    add_args: list[Any] = Field(default_factory=list)
    add_dependencies: list[DependencyTable] = Field(default_factory=list)


class RerunTable(OverrideTable):
    """What ``batchrun rerun --set`` changes, for every point that is rerun; it comes after the manifest's overrides."""

    when: dict[str, Any] = Field(default_factory=dict)


class LookupTable(Table):
    """A derived value, looked up by the value of an axis."""

    lookup: str
    map: dict[str, Any]
    default: Any = None


class SampleTable(Table):
    """Both are required: a sample nobody asked for, or one that is different every time, is worse than an error."""

    count: int = Field(ge=1)
    seed: int


def _duration(value: object) -> object:
    seconds = seconds_of(value)
    if seconds is None:
        raise ValueError(f"{as_toml(value)} is not a duration; {DURATION_FIX}")
    return seconds


def _failures(value: object) -> object:
    """A count, a share below 1, or a share written as a percentage."""
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())):
        share = float(found[1]) / 100
        if 0 < share < 1:
            return share
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_COUNT:
        number = float(value)
        if number < 1 or number.is_integer():  # a plan file holds a count of 25 as 25.0
            return number
    fix = 'use a count such as 25, or a share such as "5%"'
    raise ValueError(f"{as_toml(value)} is neither a count nor a share; {fix}")


class SubmitTable(Table):
    """How to submit; the engine decides what is None."""

    max_points: int = Field(default=DEFAULT_MAX_POINTS, ge=1)
    concurrency: int | None = Field(default=None, ge=1)
    rate: float | None = Field(default=None, gt=0)
    burst: int | None = Field(default=None, ge=1)
    read_rate: float | None = Field(default=None, gt=0)
    max_active: int | None = Field(default=None, ge=1)
    max_attempts: int | None = Field(default=None, ge=1)
    settle_after_s: Annotated[float | None, BeforeValidator(_duration)] = Field(default=None, alias="settle_after")
    give_up_after_s: Annotated[float | None, BeforeValidator(_duration)] = Field(
        default=None, gt=0, alias="give_up_after"
    )
    tag: bool | None = None
    stop_at_units: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    stop_after_failures: Annotated[float | None, BeforeValidator(_failures)] = None


class CostTable(Table):
    """What the user pays; batchrun has no prices built in."""

    usd_per_unit: float | None = Field(default=None, gt=0, allow_inf_nan=False)


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
    cost: CostTable = CostTable()
    allow_unused: list[str] = Field(default_factory=list)
