"""What the service answers. Read leniently: unknown fields are kept, unknown statuses and codes are not fatal."""

from datetime import datetime
from typing import Any

import msgspec
from pydantic import ConfigDict, Field, computed_field

from batchrun.wherobots.payload import (
    DEFAULT_TIMEOUT_S,
    NAME_MAX_LENGTH,
    NAME_MIN_LENGTH,
    NAME_PATTERN,
    DependencySourceType,
    OpenEnum,
    PyPiDependency,
    RunJarPayload,
    RunPythonPayload,
    RuntimeId,
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
    "RunHead",
    "RunHeadPage",
    "RunKubeApp",
    "RunPage",
    "RunStatus",
    "RunView",
]

DEFAULT_SUGGESTION = "Contact us at support@wherobots.com to get help with resolving your error."


class AnswerModel(WireModel):
    """A part of an answer: fields that we do not know are kept."""

    model_config = ConfigDict(extra="allow", json_schema_extra=lambda schema: schema.pop("additionalProperties", None))


class SnakeAnswerModel(AnswerModel):
    """A part of an answer that the service spells in snake_case."""

    model_config = ConfigDict(alias_generator=None)


class RunStatus(OpenEnum):
    """Where a run is in its life."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def is_final(self) -> bool:
        """True when the run has ended; a status that we do not know is not final."""
        return self in _FINAL


_FINAL = frozenset({RunStatus.FAILED, RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.TIMED_OUT})


class ErrorClass(OpenEnum):
    """The service's error codes."""

    BAD_REQUEST_ERROR = "BAD_REQUEST_ERROR"
    CONFLICT_ERROR = "CONFLICT_ERROR"
    INVALID_INPUT_ERROR = "INVALID_INPUT_ERROR"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    UNAUTHORIZED_ERROR = "UNAUTHORIZED_ERROR"
    INSUFFICIENT_PERMISSIONS_ERROR = "INSUFFICIENT_PERMISSIONS_ERROR"
    THIRD_PARTY_PERMISSIONS_ERROR = "THIRD_PARTY_PERMISSIONS_ERROR"
    NOT_FOUND_ERROR = "NOT_FOUND_ERROR"
    INSUFFICIENT_QUOTA_ERROR = "INSUFFICIENT_QUOTA_ERROR"
    REQUEST_ENTITY_TOO_LARGE = "REQUEST_ENTITY_TOO_LARGE"
    UNITY_CATALOG_CONNECTION_FAILED = "UNITY_CATALOG_CONNECTION_FAILED"
    RATE_LIMIT_ERROR = "RATE_LIMIT_ERROR"
    TIMEOUT_ERROR = "TIMEOUT_ERROR"
    ACCOUNT_NOT_PROVISIONED = "ACCOUNT_NOT_PROVISIONED"


class AppType(OpenEnum):
    """What kind of application a Kubernetes app runs."""

    JUPYTER = "JUPYTER"
    SQL_SESSION = "SQL_SESSION"
    RUN = "RUN"


class AppStatus(OpenEnum):
    """Where a Kubernetes app is in its life."""

    PENDING = "PENDING"
    PREPARING = "PREPARING"
    PREPARE_FAILED = "PREPARE_FAILED"
    REQUESTED = "REQUESTED"
    DEPLOYING = "DEPLOYING"
    DEPLOY_FAILED = "DEPLOY_FAILED"
    DEPLOYED = "DEPLOYED"
    INITIALIZING = "INITIALIZING"
    INIT_FAILED = "INIT_FAILED"
    READY = "READY"
    DESTROY_REQUESTED = "DESTROY_REQUESTED"
    DESTROYING = "DESTROYING"
    DESTROY_FAILED = "DESTROY_FAILED"
    DESTROYED = "DESTROYED"


class Provider(OpenEnum):
    """Who provides the resource that a policy speaks of."""

    WHEROBOTS = "WHEROBOTS"
    AWS = "AWS"


class Effect(OpenEnum):
    """What a policy does."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class DependencyFileType(OpenEnum):
    """What a dependency file is, by its ending."""

    JAR = "JAR"
    PYTHON_WHEEL = "PYTHON_WHEEL"
    ZIP = "ZIP"
    OTHER = "OTHER"


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
    """The body of every refusal."""

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
    """A role in an organisation (``Role-Output`` in the contract)."""

    model_config = ConfigDict(title="Role")

    id: str
    create_time: datetime
    update_time: datetime
    name: str
    organization_id: str
    policies: list[Policy]


class OrganizationCustomer(AnswerModel):
    """Who triggered a run."""

    id: str
    create_time: datetime
    update_time: datetime
    email: str | None = None
    name: str | None = None
    roles: list[RoleOutput]


class RunEventMeta(SnakeAnswerModel):
    """When something of a run began and ended, in epoch time."""

    end_timestamp: int | None = None
    start_timestamp: int | None = None


class KubeAppCreationMeta(SnakeAnswerModel):
    """How an app was created."""

    use_v2_workflow: bool = False


class KubeAppEvent(AnswerModel):
    """Something that happened to an app."""

    id: str
    create_time: datetime
    update_time: datetime
    code: str | None = None
    message: str | None = None
    event_meta: RunEventMeta | KubeAppCreationMeta | None = None


class RunAppMeta(SnakeAnswerModel):
    """Links and the resolved version of a run's app."""

    spark_ui_url: str = ""
    spark_eventlogs_url: str = ""
    resolved_version: str | None = None


class RunKubeApp(AnswerModel):
    """The app that carries a run."""

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
    """A file dependency as answered (``FileDependency-Output`` in the contract): with its type."""

    model_config = ConfigDict(title="FileDependency")

    source_type: DependencySourceType = DependencySourceType.FILE
    file_path: str

    @computed_field(description="Get the type of the file")  # type: ignore[prop-decorator]
    @property
    def file_type(self) -> DependencyFileType:
        ending = self.file_path[self.file_path.rfind(".") :].lower()
        return _FILE_TYPES.get(ending, DependencyFileType.OTHER)


class RunEnvironmentOutput(AnswerModel):
    """A run's environment as answered (``RunEnvironment-Output`` in the contract)."""

    model_config = ConfigDict(title="RunEnvironment")

    spark_driver_disk_gb: int | None = Field(default=None, alias="sparkDriverDiskGB")
    spark_executor_disk_gb: int | None = Field(default=None, alias="sparkExecutorDiskGB")
    spark_configs: dict[str, str] = Field(default_factory=dict)
    dependencies: list[PyPiDependency | FileDependencyOutput] = Field(default_factory=list)


class CreateRunPayloadOutput(AnswerModel):
    """A run's payload as answered (``CreateRunPayload-Output`` in the contract)."""

    model_config = ConfigDict(title="CreateRunPayload")

    runtime: RuntimeId
    version: str | None = None
    name: str = Field(min_length=NAME_MIN_LENGTH, max_length=NAME_MAX_LENGTH, pattern=NAME_PATTERN)
    run_python: RunPythonPayload | None = None
    run_jar: RunJarPayload | None = None
    timeout_seconds: int = DEFAULT_TIMEOUT_S
    environment: RunEnvironmentOutput = RunEnvironmentOutput()


class RunView(AnswerModel):
    """A run, as the service tells of it."""

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
    """One page of ``GET /runs``; a cursor that is null ends the list."""

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


class RunHead(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What batchrun itself needs of a ``RunView``; everything else may be missing, unknown or odd.

    Submitting and settling read this instead of a whole ``RunView``: an answer whose id can be read is a created run
    even when the rest of it is not what the contract says.
    """

    id: str
    name: str | None = None
    status: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    start_time: str | None = None
    complete_time: str | None = None
    payload: dict[str, Any] | None = None


class RunHeadPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of ``GET /runs``, read as heads."""

    items: list[RunHead]
    total: int = 0
    next_page: str | None = None
