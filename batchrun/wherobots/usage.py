"""What runs cost and use: ``POST /usage/costs`` and ``GET /runs/{id}/metrics``. Parsed as leniently as every response."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from batchrun.wherobots.enums import OpenEnum
from batchrun.wherobots.payload import RequestModel
from batchrun.wherobots.views import SnakeAnswerModel

__all__ = [
    "MAX_COST_IDS",
    "DataFormat",
    "DataValue",
    "GetKubeAppCostsInput",
    "InstantDetails",
    "InstantMetric",
    "RunMetricsResponse",
    "SeriesDetails",
    "SeriesMetric",
    "WorkloadCostAvailable",
    "WorkloadCostStatus",
    "WorkloadCostUnavailable",
    "WorkloadCostUnavailableReason",
    "WorkloadCostsOutput",
    "WorkloadMetric",
]

DecimalText = Annotated[
    Decimal, Field(json_schema_extra={"pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"})
]  # a description only: what is read may be any decimal
MAX_COST_IDS = 100
"""How many ids one request for costs may have."""


class GetKubeAppCostsInput(RequestModel):
    """The body of ``POST /usage/costs``: ids of ``kubeApp``, not of runs."""

    kube_app_ids: list[str] = Field(
        min_length=1,
        max_length=MAX_COST_IDS,
        description="A list of Kubernetes App IDs. Maximum 100 items allowed.",
    )


class WorkloadCostStatus(OpenEnum):
    """How certain a cost is."""

    LIVE = "live"  # running: it grows
    SETTLING = "settling"  # ended recently: it may still change
    FINAL = "final"  # never changes again


class WorkloadCostUnavailableReason(OpenEnum):
    """Why there is no cost."""

    NOT_FOUND = "not_found"  # unknown, or not for this key: the service does not tell which
    UPSTREAM_ERROR = "upstream_error"
    UPSTREAM_RATE_LIMIT = "upstream_rate_limit"


class WorkloadCostAvailable(SnakeAnswerModel):
    """The cost of one workload; decimals are text in JSON."""

    kind: Literal["available"] = "available"
    kube_app_id: str
    organization_id: str
    cost: DecimalText
    currency: str = Field(default="USD", json_schema_extra={"const": "USD"})
    spatial_units: DecimalText
    status: WorkloadCostStatus
    settled_at: datetime | None
    last_evaluated_at: datetime


class WorkloadCostUnavailable(SnakeAnswerModel):
    """A workload whose cost is not known."""

    kind: Literal["unavailable"] = "unavailable"
    kube_app_id: str
    reason: WorkloadCostUnavailableReason


class WorkloadCostsOutput(SnakeAnswerModel):
    """The answer of ``POST /usage/costs``: each id that was asked for, once."""

    costs: dict[str, Annotated[WorkloadCostAvailable | WorkloadCostUnavailable, Field(discriminator="kind")]] = Field(
        default_factory=dict
    )


class WorkloadMetric(OpenEnum):
    """The metrics of a run."""

    CPU_UTILIZATION_PERCENT = "CPU_UTILIZATION_PERCENT"
    MEMORY_UTILIZATION_PERCENT = "MEMORY_UTILIZATION_PERCENT"
    GPU_UTILIZATION_PERCENT = "GPU_UTILIZATION_PERCENT"
    GPU_MEMORY_UTILIZATION_PERCENT = "GPU_MEMORY_UTILIZATION_PERCENT"
    COST_USD = "COST_USD"
    CONSUMED_SPATIAL_UNITS = "CONSUMED_SPATIAL_UNITS"


class DataFormat(OpenEnum):
    """How to show a value."""

    NUMBER = "NUMBER"
    PERCENTAGE = "PERCENTAGE"
    BYTES = "BYTES"
    CURRENCY = "CURRENCY"


class DataValue(SnakeAnswerModel):
    """A value and its time in epoch seconds."""

    value: float | None
    timestamp: int


class InstantMetric(SnakeAnswerModel):
    """A single value."""

    data: DataValue
    format: DataFormat


class SeriesMetric(SnakeAnswerModel):
    """A time series."""

    data: list[DataValue]
    format: DataFormat


class InstantDetails(SnakeAnswerModel):
    """A single value with its display name."""

    display_name: str
    metric: InstantMetric


class SeriesDetails(SnakeAnswerModel):
    """A time series with its display name."""

    display_name: str
    metric: SeriesMetric


class RunMetricsResponse(SnakeAnswerModel):
    """The body of ``GET /runs/{id}/metrics``."""

    series_metrics: dict[WorkloadMetric, SeriesDetails]
    instant_metrics: dict[WorkloadMetric, InstantDetails]
