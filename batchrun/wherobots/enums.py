"""The enumerations of the service's answers. All of them are open: it may add values at any time."""

from batchrun.wherobots.payload import OpenEnum

__all__ = ["AppStatus", "AppType", "DependencyFileType", "Effect", "ErrorClass", "Provider", "RunStatus"]


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
