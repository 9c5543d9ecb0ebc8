"""Upload progress."""

from dataclasses import dataclass

__all__ = ["UploadProgress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProgress:
    """Uploads at one moment; sizes in bytes."""

    files: int
    files_done: int
    size: int
    size_done: int
    trouble: str = ""
    """What the latest try to fail ran into, until an upload succeeds; it is tried again."""
