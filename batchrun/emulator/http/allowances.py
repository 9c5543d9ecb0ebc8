"""What an organization may create, where the emulator is asked to enforce it. Pure."""

from batchrun.emulator.error_bodies import ErrorDetail
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.payload import CreateRunPayload
from batchrun.wherobots.views import ErrorClass

__all__ = ["allowed_timeout_s", "not_allowed"]

HOUR_S = 3600


def not_allowed(payload: CreateRunPayload, region: str, settings: EmulatorSettings) -> tuple[int, ErrorDetail] | None:
    """Status and error for a run that the organization may not create, or None."""
    if settings.plan == "COMMUNITY" or "RUNS" not in settings.cloud_features:
        return 403, _error(ErrorClass.INSUFFICIENT_PERMISSIONS_ERROR, "plan", "The plan does not include job runs")
    if region not in (settings.allowed_regions or (settings.default_region,)):
        return 400, _error(ErrorClass.BAD_REQUEST_ERROR, "region", f"The region {region!r} is not allowed")
    if settings.region_availability.get(region) in {"UNAVAILABLE", "DISABLED"}:
        return 400, _error(ErrorClass.BAD_REQUEST_ERROR, "region", f"The region {region!r} is not available")
    if payload.runtime in settings.disabled_runtimes:
        return 400, _error(ErrorClass.BAD_REQUEST_ERROR, "runtime", f"The runtime {payload.runtime!s} is not enabled")
    most = settings.quotas.get("DISK_PER_NODE_GB")
    disks = (payload.environment.spark_driver_disk_gb, payload.environment.spark_executor_disk_gb)
    if most is not None and any(disk is not None and disk > most for disk in disks):
        return 400, _error(ErrorClass.INVALID_INPUT_ERROR, "environment", f"A disk is larger than {most} GB")
    return None


def allowed_timeout_s(timeout_s: int, settings: EmulatorSettings) -> int:
    """A timeout, cut to the longest life of a workload."""
    hours = settings.quotas.get("WORKLOAD_LIFETIME_HOUR")
    return timeout_s if hours is None else min(timeout_s, hours * HOUR_S)


def _error(code: ErrorClass, field: str, message: str) -> ErrorDetail:
    return ErrorDetail(code=code, message=message, path=field, field=field, suggestion="Ask an administrator.")
