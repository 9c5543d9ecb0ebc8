"""The local files that a manifest names, each read and hashed once while planning."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from batchrun.sweep.local_file import MAX_BYTES, LocalFile
from batchrun.sweep.manifest.problems import Cursor
from batchrun.sweep.render.context import PointError

__all__ = ["DEPENDENCY_SUFFIXES", "LocalFiles", "is_uri"]

CHUNK_BYTES = 1 << 20
FILE_SCHEME = "file:"
DEPENDENCY_SUFFIXES = (".jar", ".json", ".whl", ".zip")
"""What the service accepts as a file dependency."""
NO_RECORD: Mapping[str, LocalFile] = MappingProxyType({})


def is_uri(text: str) -> bool:
    """Whether a script or dependency is named by a URI, which is sent as it is; anything else is a local path."""
    return "://" in text and not _is_here(text)


def _is_here(text: str) -> bool:
    return text[: len(FILE_SCHEME)].lower() == FILE_SCHEME


@dataclass(slots=True)
class LocalFiles:
    """Local files by the path that the manifest gives, relative to its directory.

    ``recorded`` holds files as a batch in progress knows them: their content is not read again, since an edited script
    must not change the keys of a batch that is being resumed.
    """

    directory: Path
    recorded: Mapping[str, LocalFile] = field(default_factory=lambda: NO_RECORD)
    found: dict[str, LocalFile] = field(default_factory=dict)
    scripts: set[str] = field(default_factory=set)
    """The paths that are used as Python scripts."""

    def script(self, path: str, at: Cursor) -> LocalFile:
        """A Python script; as ``get``."""
        self.scripts.add(path)
        return self.get(path, at)

    def dependency(self, path: str, at: Cursor) -> LocalFile:
        """A dependency, of a kind that the service accepts; as ``get``."""
        if not path.lower().endswith(DEPENDENCY_SUFFIXES):
            kinds = ", ".join(DEPENDENCY_SUFFIXES)
            raise PointError(at, f"'{path}' is not a file that can be a dependency", f"use one of {kinds}")
        return self.get(path, at)

    def get(self, path: str, at: Cursor) -> LocalFile:
        """A file by its path.

        Raises:
            PointError: it is missing, unreadable, empty, too large, not a regular file, or changes while it is read.

        """
        if (known := self.found.get(path)) is not None:
            return known
        file = self.recorded.get(path)
        self.found[path] = file = file if file is not None else _read(self.directory, path, at)
        return file


def _read(directory: Path, path: str, at: Cursor) -> LocalFile:
    if not path.strip():
        raise PointError(at, "the script's URI is empty", "use an s3:// URI, or the path of a local file")
    if _is_here(path):
        fact = f"'{path}' is on this machine, where no run can read it"
        raise PointError(at, fact, "write the path without file://, and the file is uploaded")
    try:
        source = (directory / path).resolve(strict=True)
        # Non-blocking: opening a FIFO would otherwise wait for somebody to write into it.
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor)
            _check(before, path, at)
            digest = _hashed(partial(os.read, descriptor), before.st_size)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle; ValueError: a NUL character
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        fix = "check the path, which is relative to the manifest. A script in storage needs its s3:// URI"
        raise PointError(at, f"local file '{path}' cannot be read: {reason}", fix) from None
    if digest is None or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise PointError(at, f"local file '{path}' changed while it was read", "plan again when it is complete")
    return LocalFile(path=path, source=source, sha256=digest, size=before.st_size)


def _check(found: os.stat_result, path: str, at: Cursor) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
        raise PointError(at, f"local file '{path}' is {kind}", "pass the path of a file")
    if not found.st_size:
        raise PointError(at, f"local file '{path}' is empty", "check that it was saved")
    if found.st_size > MAX_BYTES:
        fact = f"local file '{path}' has {found.st_size:,} bytes, and at most {MAX_BYTES:,} can be uploaded"
        raise PointError(at, fact, "put it into storage yourself and use its s3:// URI")


def _hashed(read: Callable[[int], bytes], size: int) -> str | None:
    """The SHA-256 of what a file holds; None if it holds more than it did, as one that is being written may."""
    digest, left = sha256(), size
    while chunk := read(CHUNK_BYTES):
        left -= len(chunk)
        if left < 0:
            return None
        digest.update(chunk)
    return digest.hexdigest() if not left else None
