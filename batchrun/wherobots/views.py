"""Response models. Lenient: unknown fields are kept, and unknown statuses and codes are accepted."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field, computed_field

from batchrun.wherobots.enums import (
    AppStatus,
    AppType,
    DependencyFileType,
    Effect,
    ErrorClass,
    Provider,
    RunStatus,
    RuntimeId,
)
from batchrun.wherobots.payload import (
    DEFAULT_TIMEOUT_S,
    NAME_MAX_LENGTH,
    NAME_MIN_LENGTH,
    NAME_PATTERN,
    DependencySourceType,
    PyPiDependency,
    RunJarPayload,
    RunPythonPayload,
    WireModel,
)

__all__ = [
    "AppStatus",
    "AppType",
    "CreateRunPayloadOutput",
    "DependencyFileType",
    "Effect",
    "ErrorBody",
    "ErrorClass",
    "ErrorInfo",
    "FileDependencyOutput",
    "KubeAppCreationMeta",
    "KubeAppEvent",
    "LogItem",
    "LogsResponse",
    "OrganizationCustomer",
    "Policy",
    "Provider",
    "RoleOutput",
    "RunAppMeta",
    "RunEnvironmentOutput",
    "RunEventMeta",
    "RunKubeApp",
    "RunPage",
    "RunStatus",
    "RunView",
]

# The contract's own default, verbatim.
DEFAULT_SUGGESTION = "Contact us at support@wherobots.com to get help with resolving your error."


class AnswerModel(WireModel):
    """Base of response models: unknown fields are kept."""

    model_config = ConfigDict(extra="allow", json_schema_extra=lambda schema: schema.pop("additionalProperties", None))


class SnakeAnswerModel(AnswerModel):
    """Base of response models whose JSON is in snake_case."""

    model_config = ConfigDict(alias_generator=None)


_FILE_TYPES = {
    ".jar": DependencyFileType.JAR,
    ".whl": DependencyFileType.PYTHON_WHEEL,
    ".zip": DependencyFileType.ZIP,
}


class ErrorInfo(SnakeAnswerModel):
    """One error of an error body."""

    code: ErrorClass = Field(description="The error code")
    message: str = Field(description="A human-readable message describing the error")
    details: str = Field(description="Details about the error")
    path: str = Field(description="The path to the field that caused the error")
    suggestion: str = Field(default=DEFAULT_SUGGESTION, description="Suggested action to resolve the error")
    documentation_url: str | None = Field(default=None, description="URL to related documentation")
    field: str | None = Field(default=None, description="The field that caused the error if applicable")


class ErrorBody(AnswerModel):
    """The body of every error response."""

    errors: list[ErrorInfo] = Field(description="A list of errors that occurred")
    request_id: str = Field(description="A unique identifier for the request that caused the error")


class Policy(AnswerModel):
    """One permission of a role."""

    id: str | None = None
    create_time: datetime | None = None
    update_time: datetime | None = None
    provider: Provider
    locator: str
    action: str
    effect: Effect


class RoleOutput(AnswerModel):
    """A role in an organization (``Role-Output`` in the contract)."""

    model_config = ConfigDict(title="Role")

    id: str
    create_time: datetime
    update_time: datetime
    name: str
    organization_id: str
    policies: list[Policy]


class OrganizationCustomer(AnswerModel):
    """A user of an organization, such as the one who triggered a run."""

    id: str
    create_time: datetime
    update_time: datetime
    email: str | None = None
    name: str | None = None
    roles: list[RoleOutput]


class RunEventMeta(SnakeAnswerModel):
    """When a step of a run started and ended, in epoch seconds."""

    end_timestamp: int | None = None
    start_timestamp: int | None = None


class KubeAppCreationMeta(SnakeAnswerModel):
    """How an app was created."""

    use_v2_workflow: bool = False


class KubeAppEvent(AnswerModel):
    """An event of a Kubernetes app."""

    id: str
    create_time: datetime
    update_time: datetime
    code: str | None = None
    message: str | None = None
    event_meta: RunEventMeta | KubeAppCreationMeta | None = None


class RunAppMeta(SnakeAnswerModel):
    """Links to the Spark UI and event logs, and the resolved version."""

    spark_ui_url: str = ""
    spark_eventlogs_url: str = ""
    resolved_version: str | None = None


class RunKubeApp(AnswerModel):
    """The Kubernetes app that executes a run."""

    id: str
    create_time: datetime
    update_time: datetime
    instance_id: str
    app_type: AppType
    status: AppStatus
    created_by_id: str | None
    api_payload: dict[str, Any] | None = None
    app_meta: RunAppMeta | None = None
    events: list[KubeAppEvent] = Field(default=[])
    cpu_usage: int
    region_name: str
    message: str | None = Field(
        description="Return the latest trace info that is valuable for troubleshooting",
        json_schema_extra={"readOnly": True},
    )


class FileDependencyOutput(AnswerModel):
    """A file dependency in a response (``FileDependency-Output`` in the contract)."""

    model_config = ConfigDict(title="FileDependency")

    source_type: DependencySourceType = DependencySourceType.FILE
    file_path: str

    @computed_field(description="Get the type of the file")  # type: ignore[prop-decorator] # python/mypy#1362
    @property
    def file_type(self) -> DependencyFileType:
        ending = self.file_path[self.file_path.rfind(".") :].lower()
        return _FILE_TYPES.get(ending, DependencyFileType.OTHER)


class RunEnvironmentOutput(AnswerModel):
    """A run's environment in a response (``RunEnvironment-Output`` in the contract)."""

    model_config = ConfigDict(title="RunEnvironment")

    spark_driver_disk_gb: int | None = Field(default=None, alias="sparkDriverDiskGB")
    spark_executor_disk_gb: int | None = Field(default=None, alias="sparkExecutorDiskGB")
    spark_configs: dict[str, str] = Field(default_factory=dict)
    dependencies: list[PyPiDependency | FileDependencyOutput] = Field(default_factory=list)


class CreateRunPayloadOutput(AnswerModel):
    """A run's payload in a response (``CreateRunPayload-Output`` in the contract)."""

    model_config = ConfigDict(title="CreateRunPayload")

    runtime: RuntimeId
    version: str | None = None
    name: str = Field(min_length=NAME_MIN_LENGTH, max_length=NAME_MAX_LENGTH, pattern=NAME_PATTERN)
    run_python: RunPythonPayload | None = None
    run_jar: RunJarPayload | None = None
    timeout_seconds: int = DEFAULT_TIMEOUT_S
    environment: RunEnvironmentOutput = RunEnvironmentOutput()


class RunView(AnswerModel):
    """A run."""

    id: str
    create_time: datetime
    update_time: datetime
    name: str
    status: RunStatus
    triggered_by: OrganizationCustomer
    start_time: datetime | None = None
    complete_time: datetime | None = None
    kube_app: RunKubeApp | None = None
    payload: CreateRunPayloadOutput


class RunPage(SnakeAnswerModel):
    """One page of ``GET /runs``; a null ``next_page`` ends the list."""

    items: list[RunView]
    total: int = Field(ge=0)
    current_page: str | None = None
    current_page_backwards: str | None = None
    previous_page: str | None = None
    next_page: str | None = None


class LogItem(AnswerModel):
    """One line of a run's log."""

    timestamp: str
    raw: str


class LogsResponse(SnakeAnswerModel):
    """One page of a run's log; follow ``next_page`` until it is null."""

    items: list[LogItem]
    current_page: str
    next_page: str | None = None
