"""Responses of the storage calls."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import ConfigDict, Field

from batchrun.wherobots.views import AnswerModel, SnakeAnswerModel

__all__ = [
    "DirectoryListingResult",
    "FileEntry",
    "FileEntryType",
    "StorageSource",
    "StorageSourceType",
    "UploadUrlResponse",
]


class UploadUrlResponse(AnswerModel):
    """Where to send a file, and the URI that it will have."""

    model_config = ConfigDict(title="UploadUrlResponse")

    destination: str
    upload_url: str


class FileEntryType(StrEnum):
    """What an entry of a folder is."""

    FILE = "FILE"
    FOLDER = "FOLDER"


class FileEntry(AnswerModel):
    """An entry of a folder."""

    name: str
    path: str
    type: FileEntryType
    last_modified: datetime | None = None
    size: int = 0
    protected: bool = False


class DirectoryListingResult(SnakeAnswerModel):
    """A page of a folder."""

    items: list[FileEntry]
    path: str
    name: str
    mutate_protected: bool = False
    upload_protected: bool = False
    current_page: str | None = None
    next_page: str | None = None


class StorageSourceType(StrEnum):
    """Whose storage it is."""

    INTEGRATION = "INTEGRATION"
    MANAGED = "MANAGED"


class CloudProvider(StrEnum):
    """Clouds that can be connected."""

    AWS = "AWS"


class CloudConnectionManagedBy(StrEnum):
    """What created a connection."""

    CLOUDFORMATION = "CLOUDFORMATION"


class CloudConnectionBinding(AnswerModel):
    """What a connection is used for."""

    kind: Literal["storage_integration", "glue_catalog", "s3tables_catalog"]
    id: str
    name: str


class CloudConnectionRead(AnswerModel):
    """A connection to an account of the organization's own. The emulator has none."""

    id: str
    name: str
    cloud_provider: CloudProvider
    managed_by: CloudConnectionManagedBy | None
    role_arn: str | None = None
    aws_account_id: str | None = None
    trusted_account_ids: list[str] = Field(default_factory=list)
    allow_saas: bool = True
    stack_name: str | None = None
    created_at: datetime
    bindings: list[CloudConnectionBinding] | None = None


class StorageSource(AnswerModel):
    """Storage that the organization can use."""

    id: str
    create_time: datetime
    update_time: datetime
    name: str
    path: str
    role_arn: str | None = None
    region: str
    stack_name: str | None = None
    type: StorageSourceType
    default_directory: str | None = None
    read_only: bool = False
    cloud_connection: CloudConnectionRead | None = None
