"""The body of ``POST /runs``, field by field as in the contract. Strict: a misspelt field is an error."""

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
# Rust regular expressions, which pydantic uses: here $ matches the very end only, as in ECMA, unlike Python's.
NAME_PATTERN = r"^[a-zA-Z0-9_\-\.]+$"
NAME_MIN_LENGTH = 8
NAME_MAX_LENGTH = 255


class DependencySourceType(StrEnum):
    """Where a dependency comes from."""

    PYPI = "PYPI"
    FILE = "FILE"


def _known_runtime(runtime: RuntimeId) -> RuntimeId:
    if not runtime.is_known:
        raise ValueError(f"'{runtime}' is not a runtime of the contract")
    return runtime


def _contract_integer(value: Any) -> Any:  # noqa: ANN401 - whatever JSON held
    """An integer as defined by JSON Schema: 3600 and 3600.0, but not "3600" or true."""
    if isinstance(value, bool | str | bytes):
        raise ValueError("must be an integer")  # noqa: TRY004 - pydantic turns ValueError into its own error
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _drop_additional(schema: dict[str, Any]) -> None:
    # The contract accepts unknown properties; the models are stricter, since a misspelt field would be ignored silently.
    schema.pop("additionalProperties", None)


ContractInt = Annotated[int, BeforeValidator(_contract_integer)]


class WireModel(BaseModel):
    """Base of all API models: snake_case attributes, camelCase JSON."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class RequestModel(WireModel):
    """Base of request models: unknown fields are rejected.

    A server as lenient as the contract validates with ``extra="ignore"``.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_drop_additional)


class RunPythonPayload(RequestModel):
    """A Python script and its arguments."""

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

    # to_camel would give sparkDriverDiskGb.
    spark_driver_disk_gb: ContractInt | None = Field(default=None, alias="sparkDriverDiskGB")
    spark_executor_disk_gb: ContractInt | None = Field(default=None, alias="sparkExecutorDiskGB")
    spark_configs: dict[str, str] = Field(default_factory=dict)
    dependencies: list[PyPiDependency | FileDependency] = Field(default_factory=list)


class CreateRunPayload(RequestModel):
    """The body of ``POST /runs``."""

    runtime: Annotated[RuntimeId, AfterValidator(_known_runtime)]
    version: str | None = None
    name: str = Field(min_length=NAME_MIN_LENGTH, max_length=NAME_MAX_LENGTH, pattern=NAME_PATTERN)
    # The contract accepts neither and both of these; planning requires exactly one.
    run_python: RunPythonPayload | None = None
    run_jar: RunJarPayload | None = None
    timeout_seconds: ContractInt = DEFAULT_TIMEOUT_S
    environment: RunEnvironment = RunEnvironment()
