"""The enumerations of the service's answers. All of them are open: it may add values at any time."""

from enum import StrEnum

from typing_extensions import override

__all__ = [
    "AppStatus",
    "AppType",
    "DependencyFileType",
    "Effect",
    "ErrorClass",
    "OpenEnum",
    "Provider",
    "RunStatus",
    "RuntimeId",
]


class OpenEnum(StrEnum):
    """An enumeration that the service may extend: an unknown value is kept as a member that is not ``is_known``."""

    @classmethod
    @override
    def _missing_(cls, value: object) -> "OpenEnum | None":
        if not isinstance(value, str):
            return None
        stranger = str.__new__(cls, value)
        stranger._name_ = stranger._value_ = value
        return stranger

    @property
    def is_known(self) -> bool:
        return self._value_ in type(self)._value2member_map_


class RuntimeId(OpenEnum):
    """The sizes of cluster that a run can ask for."""

    TINY_UPPER = "TINY"
    SMALL_UPPER = "SMALL"
    MEDIUM_UPPER = "MEDIUM"
    LARGE_UPPER = "LARGE"
    XLARGE_UPPER = "XLARGE"
    XXLARGE_UPPER = "XXLARGE"
    MICRO = "micro"
    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    X_LARGE = "x-large"
    XX_LARGE = "2x-large"
    XXXX_LARGE = "4x-large"
    MEDIUM_HIMEM = "medium-himem"
    LARGE_HIMEM = "large-himem"
    X_LARGE_HIMEM = "x-large-himem"
    XX_LARGE_HIMEM = "2x-large-himem"
    XXXX_LARGE_HIMEM = "4x-large-himem"
    X_LARGE_HICPU = "x-large-hicpu"
    XX_LARGE_HICPU = "2x-large-hicpu"
    X_LARGE_MATCHER = "x-large-matcher"
    XX_LARGE_MATCHER = "2x-large-matcher"
    MICRO_A10_GPU = "micro-a10-gpu"
    TINY_A10_GPU = "tiny-a10-gpu"
    SMALL_A10_GPU = "small-a10-gpu"
    MEDIUM_A10_GPU = "medium-a10-gpu"
    LARGE_A10_GPU = "large-a10-gpu"
    X_LARGE_A10_GPU = "x-large-a10-gpu"


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
