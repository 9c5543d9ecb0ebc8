"""``GET /organization``: the organization that an API key belongs to. Parsed as leniently as every other response."""

from datetime import datetime

from pydantic import Field

from batchrun.wherobots.enums import OpenEnum, RuntimeId
from batchrun.wherobots.views import AnswerModel, OrganizationCustomer, RoleOutput

__all__ = [
    "FileStore",
    "Organization",
    "OrganizationState",
    "Plan",
    "QuotaType",
    "SamlSsoStatus",
    "StorageIntegrationDetails",
    "WherobotsCloudFeature",
]


class Plan(OpenEnum):
    """The plan of an organization; the Community edition cannot create runs."""

    COMMUNITY = "COMMUNITY"
    PROFESSIONAL = "PROFESSIONAL"
    BUILDER = "BUILDER"
    ENTERPRISE = "ENTERPRISE"


class OrganizationState(OpenEnum):
    """Whether an organization can be used."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"
    EXPIRED = "EXPIRED"


class SamlSsoStatus(OpenEnum):
    """The status of an organization's single sign-on."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    PENDING = "PENDING"
    FAILED = "FAILED"


class WherobotsCloudFeature(OpenEnum):
    """What an organization may use; ``RUNS`` is required for creating runs."""

    SAML = "SAML"
    SERVICE_PRINCIPALS = "SERVICE_PRINCIPALS"
    STORAGE_INTEGRATION = "STORAGE_INTEGRATION"
    PROFESSIONAL_DATA = "PROFESSIONAL_DATA"
    AUDIT_LOGS = "AUDIT_LOGS"
    RUNS = "RUNS"
    FOREIGN_CATALOGS = "FOREIGN_CATALOGS"
    RASTERFLOW = "RASTERFLOW"
    MCP_ACCESS = "MCP_ACCESS"
    STANDALONE_WHEROBOTSDB = "STANDALONE_WHEROBOTSDB"
    CLOUD_CONNECTIONS = "CLOUD_CONNECTIONS"
    MICRO_RUNTIME = "MICRO_RUNTIME"
    SMALL_RUNTIME = "SMALL_RUNTIME"
    MEDIUM_RUNTIME = "MEDIUM_RUNTIME"
    LARGE_RUNTIME = "LARGE_RUNTIME"
    X_LARGE_RUNTIME = "X_LARGE_RUNTIME"
    XX_LARGE_RUNTIME = "XX_LARGE_RUNTIME"
    MEDIUM_HIMEM_RUNTIME = "MEDIUM_HIMEM_RUNTIME"
    LARGE_HIMEM_RUNTIME = "LARGE_HIMEM_RUNTIME"
    X_LARGE_HIMEM_RUNTIME = "X_LARGE_HIMEM_RUNTIME"
    XX_LARGE_HIMEM_RUNTIME = "XX_LARGE_HIMEM_RUNTIME"
    X_LARGE_HICPU_RUNTIME = "X_LARGE_HICPU_RUNTIME"
    XX_LARGE_HICPU_RUNTIME = "XX_LARGE_HICPU_RUNTIME"
    MICRO_A10_GPU_RUNTIME = "MICRO_A10_GPU_RUNTIME"
    TINY_A10_GPU_RUNTIME = "TINY_A10_GPU_RUNTIME"
    SMALL_A10_GPU_RUNTIME = "SMALL_A10_GPU_RUNTIME"
    MEDIUM_A10_GPU_RUNTIME = "MEDIUM_A10_GPU_RUNTIME"
    LARGE_A10_GPU_RUNTIME = "LARGE_A10_GPU_RUNTIME"
    X_LARGE_A10_GPU_RUNTIME = "X_LARGE_A10_GPU_RUNTIME"
    X_LARGE_MATCHER_RUNTIME = "X_LARGE_MATCHER_RUNTIME"
    XX_LARGE_MATCHER_RUNTIME = "XX_LARGE_MATCHER_RUNTIME"
    REGION_AWS_US_WEST_2 = "REGION_AWS_US_WEST_2"
    REGION_AWS_EU_WEST_1 = "REGION_AWS_EU_WEST_1"
    REGION_AWS_US_EAST_1 = "REGION_AWS_US_EAST_1"
    REGION_AWS_AP_SOUTH_1 = "REGION_AWS_AP_SOUTH_1"
    REGION_AWS_US_EAST_2 = "REGION_AWS_US_EAST_2"


class QuotaType(OpenEnum):
    """What an organization has a limited number of."""

    CPU = "CPU"
    HUMAN_USER_COUNT = "HUMAN_USER_COUNT"
    WORKLOAD_LIFETIME_HOUR = "WORKLOAD_LIFETIME_HOUR"
    DISK_PER_NODE_GB = "DISK_PER_NODE_GB"
    FOREIGN_CATALOG_COUNT = "FOREIGN_CATALOG_COUNT"


class StorageIntegrationDetails(AnswerModel):
    """A bucket of the organization's own."""

    id: str
    create_time: datetime
    update_time: datetime
    name: str
    path: str
    role_arn: str | None = None
    region: str


class FileStore(AnswerModel):
    """The organization's managed storage."""

    id: str
    create_time: datetime
    update_time: datetime
    bucket_name: str


class Organization(AnswerModel):
    """An organization with its members, storage and defaults."""

    id: str
    create_time: datetime
    update_time: datetime
    name: str
    plan: Plan | None = None
    billing_contact: str | None = None
    wherobots_cloud_features: list[WherobotsCloudFeature]
    users: list[OrganizationCustomer]
    services: list[OrganizationCustomer]
    roles: list[RoleOutput]
    storage_integrations: list[StorageIntegrationDetails]
    file_store: FileStore | None = None
    verified: bool
    domain: str | None = None
    domain_is_verified: bool
    saml_sso_status: SamlSsoStatus
    default_environment_preset_id: str | None = None
    default_environment_override_preset_id: str | None = None
    default_runtime: RuntimeId = RuntimeId.TINY
    default_region: str
    deleted_at: datetime | None = None
    last_state_change: datetime | None = None
    state: OrganizationState
    workos_organization_id: str | None = None
    allowed_regions: list[str] = Field(json_schema_extra={"readOnly": True})
