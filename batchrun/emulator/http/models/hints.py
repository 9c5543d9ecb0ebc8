"""The response of ``GET /me/jupyter/lab/config-hint``: what can be chosen, and what it uses."""

from enum import StrEnum

from pydantic import Field

from batchrun.wherobots.enums import RuntimeId
from batchrun.wherobots.views import AnswerModel, SnakeAnswerModel

__all__ = [
    "ComputeClusterAvailability",
    "InstanceDetailsHint",
    "IntHint",
    "JupyterConfigHint",
    "Region",
    "RegionsHint",
    "RuntimeHintItem",
    "RuntimeSize",
    "RuntimeTag",
    "RuntimeTagsHint",
    "RuntimesHint",
    "VersionHint",
    "WherobotsVersion",
]


class ComputeClusterAvailability(StrEnum):
    """Whether a region can run anything at the moment."""

    AVAILABLE = "AVAILABLE"
    DEGRADED = "DEGRADED"
    UNAVAILABLE = "UNAVAILABLE"
    DISABLED = "DISABLED"


class GpuType(StrEnum):
    """Kinds of GPUs."""

    NVIDIA_A10G = "NVIDIA A10G"


class RuntimeSize(StrEnum):
    """Sizes of runtimes."""

    MICRO = "MICRO"
    TINY = "TINY"
    SMALL = "SMALL"
    MEDIUM = "MEDIUM"
    LARGE = "LARGE"
    XLARGE = "XLARGE"
    XXLARGE = "XXLARGE"
    XXXXLARGE = "XXXXLARGE"


class RuntimeTag(StrEnum):
    """What distinguishes runtimes of one size."""

    GPU = "GPU"
    HIMEM = "HIMEM"
    HICPU = "HICPU"
    MATCHER = "MATCHER"


class IntHint(AnswerModel):
    """A number that can be chosen."""

    hint: int
    min: int | None = None
    max: int | None = None
    description: str


class WherobotsVersion(AnswerModel):
    """A version of the engine."""

    description: str
    version: str
    aliases: list[str] = Field(default=[])


class VersionHint(AnswerModel):
    """The versions that can be chosen."""

    hint: list[WherobotsVersion]
    description: str


class Region(AnswerModel):
    """A region."""

    region_name: str
    enabled: bool
    availability: ComputeClusterAvailability
    external_account_id: str | None = None


class RegionsHint(AnswerModel):
    """The regions."""

    description: str
    hint: list[Region]


class InstanceDetailsHint(SnakeAnswerModel):
    """The machines of a runtime."""

    gpu: int = 0
    gpu_type: GpuType | None = None
    gpu_vram: int = 0


class RuntimeHintItem(AnswerModel):
    """A runtime, and the spatial units that it uses in an hour."""

    id: RuntimeId
    description: str
    name: str
    size: RuntimeSize
    minimum_spatial_units_per_hour: int
    maximum_spatial_units_per_hour: int
    tags: list[RuntimeTag] = Field(default=[])
    enabled: bool = True
    instance_details: InstanceDetailsHint


class RuntimesHint(AnswerModel):
    """The runtimes."""

    hint: list[RuntimeHintItem]


class RuntimeTagsHint(AnswerModel):
    """The tags by which runtimes can be filtered."""

    hint: list[RuntimeTag]


class JupyterConfigHint(AnswerModel):
    """Everything that can be chosen."""

    disk_size_gb: IntHint = Field(alias="diskSizeGB")
    versions: VersionHint
    regions: RegionsHint
    runtimes: RuntimesHint
    runtime_tags: RuntimeTagsHint
    idle_timeout_minutes: IntHint
