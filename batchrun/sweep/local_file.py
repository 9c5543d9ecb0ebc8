"""A local file that a plan uses: uploaded before the first run is created, and identified by its content."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

__all__ = ["MAX_BYTES", "LocalFile", "UploadPlan", "changed_uploads", "placeholders_in"]

MAX_BYTES = 500 * 1024 * 1024
"""The service's limit for one file (its storage API, 2026)."""
_PLACEHOLDER = re.compile(rb'"(upload:(?:[^"\\]|\\.)*#[0-9a-f]{64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file as it was when the sweep was planned. ``sha256`` is hex; ``size`` is in bytes."""

    path: str
    """As the manifest names it."""
    source: Path
    """Where it is: an absolute path, links resolved."""
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """The file's own name, which it keeps in storage."""
        return Path(self.path).name

    @property
    def placeholder(self) -> str:
        """What a planned payload has in place of the URI, which is known only after the upload.

        The key is a hash over it, so it depends on the content and not on where the content is stored.
        """
        return f"upload:{self.name}#{self.sha256}"

    @property
    def storage_path(self) -> str:
        """The path in storage: equal content under an equal name is one object, however often it is uploaded."""
        return f"batchrun/{self.sha256[:16]}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlan:
    """A local file of a plan, with the number of runs that use it in each region."""

    file: LocalFile
    runs: dict[str, int]


def placeholders_in(body: bytes) -> list[bytes]:
    """The placeholders of local files in a payload, as they are written in its JSON."""
    return _PLACEHOLDER.findall(body) if b'"upload:' in body else []


def changed_uploads(plan: Iterable[UploadPlan]) -> Iterator[str]:
    """Paths of files that are there and no longer have the content that the plan has recorded."""
    for upload in plan:
        file = upload.file
        try:
            with file.source.open("rb") as content:
                is_same = file_digest(content, "sha256").hexdigest() == file.sha256
        except OSError:
            continue  # gone: what was uploaded is used
        if not is_same:
            yield file.path
