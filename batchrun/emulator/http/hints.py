"""``GET /me/jupyter/lab/config-hint``: the runtimes and regions that can be chosen. Pure."""

from collections.abc import Iterator
from typing import Any

from batchrun.emulator.http.models.hints import (
    ComputeClusterAvailability,
    JupyterConfigHint,
    RuntimeSize,
    RuntimeTag,
)
from batchrun.emulator.runs.costs import units_per_hour
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.enums import RuntimeId

__all__ = ["config_hint"]

_SIZES = {
    "micro": RuntimeSize.MICRO,
    "tiny": RuntimeSize.TINY,
    "small": RuntimeSize.SMALL,
    "medium": RuntimeSize.MEDIUM,
    "large": RuntimeSize.LARGE,
    "x-large": RuntimeSize.XLARGE,
    "2x-large": RuntimeSize.XXLARGE,
    "4x-large": RuntimeSize.XXXXLARGE,
}
_TAGS = {"-gpu": RuntimeTag.GPU, "-himem": RuntimeTag.HIMEM, "-hicpu": RuntimeTag.HICPU, "-matcher": RuntimeTag.MATCHER}
_ENABLED = (ComputeClusterAvailability.AVAILABLE, ComputeClusterAvailability.DEGRADED)


def config_hint(settings: EmulatorSettings) -> JupyterConfigHint:
    """What an organization can choose, by the settings."""
    runtimes = [_runtime(runtime, size, settings) for runtime, size in _runtimes()]
    regions = dict.fromkeys(settings.allowed_regions or (settings.default_region,), "AVAILABLE")
    return JupyterConfigHint.model_validate(
        {
            "diskSizeGB": {
                "hint": 50,
                "min": 50,
                "max": settings.quotas.get("DISK_PER_NODE_GB"),
                "description": "Disk of each node in GB",
            },
            "versions": {
                "hint": [{"version": "latest", "description": "The latest version", "aliases": []}],
                "description": "Versions of WherobotsDB",
            },
            "regions": {
                "description": "Regions",
                "hint": [_region(name, state) for name, state in (regions | settings.region_availability).items()],
            },
            "runtimes": {"hint": runtimes},
            "runtimeTags": {"hint": list(RuntimeTag)},
            "idleTimeoutMinutes": {"hint": 60, "min": 5, "max": None, "description": "Minutes until an idle one ends"},
        }
    )


def _runtimes() -> Iterator[tuple[RuntimeId, str]]:
    """The runtimes in their present spelling, each with its size."""
    for runtime in RuntimeId:
        sizes = [size for size in _SIZES if runtime == size or runtime.startswith(f"{size}-")]
        if sizes:
            yield runtime, max(sizes, key=len)


def _runtime(runtime: RuntimeId, size: str, settings: EmulatorSettings) -> dict[str, Any]:
    most = units_per_hour(runtime)
    is_gpu = runtime.endswith("-gpu")
    return {
        "id": runtime,
        "name": runtime.replace("-", " ").title(),
        "description": f"{runtime} runtime",
        "size": _SIZES[size],
        "minimumSpatialUnitsPerHour": (most + 1) // 2,  # a cluster that has scaled down
        "maximumSpatialUnitsPerHour": most,
        "tags": [tag for ending, tag in _TAGS.items() if runtime.endswith(ending)],
        "enabled": runtime not in settings.disabled_runtimes,
        "instanceDetails": {"gpu": 1, "gpu_type": "NVIDIA A10G", "gpu_vram": 24} if is_gpu else {},
    }


def _region(name: str, availability: str) -> dict[str, Any]:
    return {"regionName": name, "enabled": availability in _ENABLED, "availability": availability}
