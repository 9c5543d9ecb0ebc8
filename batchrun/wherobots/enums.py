"""The enumerations of the API. All of them are open: the service may add values at any time."""

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
    """An enumeration that the service may extend: an unknown value becomes a member with ``is_known`` False."""

    @classmethod
    @override
    def _missing_(cls, value: object) -> "OpenEnum | None":
        if not isinstance(value, str):
            return None
        # A member that is not registered: registering every unknown value would let a server grow the class.
        unknown = str.__new__(cls, value)
        unknown._name_ = unknown._value_ = value
        return unknown

    @property
    def is_known(self) -> bool:
        return self._value_ in type(self)._value2member_map_


class RuntimeId(OpenEnum):
    """Cluster sizes."""

    # The contract lists both spellings. They are distinct values, and not every size has both.
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
    """The status of a run."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended; an unknown status is not final."""
        return self in _FINAL  # TIMED_OUT included, although the service's own SDK keeps polling on it


_FINAL = frozenset({RunStatus.FAILED, RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.TIMED_OUT})


class ErrorClass(OpenEnum):
    """The service's error codes.

    Newer descriptions of the service have more, such as ``BAD_GATEWAY_ERROR``: decide by the HTTP status first.
    """

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
    """The type of a Kubernetes app."""

    JUPYTER = "JUPYTER"
    SQL_SESSION = "SQL_SESSION"
    RUN = "RUN"


class AppStatus(OpenEnum):
    """The status of a Kubernetes app."""

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
    """The provider of a policy's resource."""

    WHEROBOTS = "WHEROBOTS"
    AWS = "AWS"


class Effect(OpenEnum):
    """The effect of a policy."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class DependencyFileType(OpenEnum):
    """The type of a dependency file, from its extension."""

    JAR = "JAR"
    PYTHON_WHEEL = "PYTHON_WHEEL"
    ZIP = "ZIP"
    OTHER = "OTHER"
