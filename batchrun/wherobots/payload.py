"""What ``POST /runs`` takes, field by field as the contract names it. Built strictly: a misspelt field is an error."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from batchrun.wherobots.enums import RuntimeId

__all__ = [
    "CreateRunPayload",
    "DependencySourceType",
    "FileDependency",
    "PyPiDependency",
    "RunEnvironment",
    "RunJarPayload",
    "RunPythonPayload",
    "WireModel",
]

DEFAULT_TIMEOUT_S = 3600
NAME_PATTERN = r"^[a-zA-Z0-9_\-\.]+$"
NAME_MIN_LENGTH = 8
NAME_MAX_LENGTH = 255


class DependencySourceType(StrEnum):
    """Where a dependency comes from."""

    PYPI = "PYPI"
    FILE = "FILE"


def _known_runtime(runtime: RuntimeId) -> RuntimeId:
    if not runtime.is_known:
        raise ValueError(f"'{runtime}' is no runtime that the contract knows")
    return runtime


def _contract_integer(value: Any) -> Any:  # noqa: ANN401 - whatever JSON held
    """An integer as JSON Schema means it: 3600 and 3600.0 are, "3600" and true are not."""
    if isinstance(value, bool | str | bytes):
        raise ValueError("must be an integer")  # noqa: TRY004 - pydantic turns ValueError into its own error
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _drop_additional(schema: dict[str, Any]) -> None:
    # The contract accepts unknown properties; only what we build ourselves is held to the letter.
    schema.pop("additionalProperties", None)


ContractInt = Annotated[int, BeforeValidator(_contract_integer)]


class WireModel(BaseModel):
    """Shared by every model of the wire: snake_case attributes, camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class RequestModel(WireModel):
    """A part of a request: unknown fields are refused.

    A server that must be as lenient as the contract validates with ``extra="ignore"``.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_drop_additional)


class RunPythonPayload(RequestModel):
    """A Python script and its arguments; one element is one argument."""

    uri: str
    args: list[str] = []


class RunJarPayload(RequestModel):
    """A jar, its arguments and its main class."""

    uri: str
    args: list[str] = []
    main_class: str | None = None


class PyPiDependency(RequestModel):
    """A library from PyPI."""

    source_type: DependencySourceType = DependencySourceType.PYPI
    library_name: str
    library_version: str | None = None


class FileDependency(RequestModel):
    """A file: .jar, .whl, .zip or .json."""

    source_type: DependencySourceType = DependencySourceType.FILE
    file_path: str


class RunEnvironment(RequestModel):
    """Spark configuration, dependencies and disks."""

    spark_driver_disk_gb: ContractInt | None = Field(default=None, alias="sparkDriverDiskGB")
    spark_executor_disk_gb: ContractInt | None = Field(default=None, alias="sparkExecutorDiskGB")
    spark_configs: dict[str, str] = Field(default_factory=dict)
    dependencies: list[PyPiDependency | FileDependency] = Field(default_factory=list)


class CreateRunPayload(RequestModel):
    """The body of ``POST /runs``."""

    runtime: Annotated[RuntimeId, AfterValidator(_known_runtime)]
    version: str | None = None
    name: str = Field(min_length=NAME_MIN_LENGTH, max_length=NAME_MAX_LENGTH, pattern=NAME_PATTERN)
    run_python: RunPythonPayload | None = None
    run_jar: RunJarPayload | None = None
    timeout_seconds: ContractInt = DEFAULT_TIMEOUT_S
    environment: RunEnvironment = RunEnvironment()
