"""Uploaded files: what is stored where, and which uploads were authorized. Only sizes and digests are kept, no content."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from batchrun.emulator.settings import EmulatorSettings

__all__ = ["FilePersistence", "FileStore", "Place", "StoredFile", "Ticket", "destination_of", "is_managed"]

BUCKET = "s3://emulated-user-files"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a file lies; ``path`` is relative to the organization's storage in the region."""

    organization: str
    region: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that was uploaded completely; ``modified_at`` in epoch seconds."""

    place: Place
    size: int
    sha256: str
    modified_at: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """An upload URL: where its file goes, and until when it is valid, in epoch seconds."""

    place: Place
    expires_at: float


class FilePersistence(Protocol):
    """Where files are kept beyond the process."""

    def stored(self, file: StoredFile) -> None: ...
    def removed(self, place: Place) -> None: ...


class FileStore:
    """The files of all organizations in all regions."""

    def __init__(self, persistence: FilePersistence | None = None) -> None:
        self._persistence = persistence
        self._files: dict[tuple[str, str], dict[str, StoredFile]] = defaultdict(dict)
        self._tickets: dict[str, Ticket] = {}
        self._issued = 0

    def issue(self, place: Place, settings: EmulatorSettings, now: float) -> str:
        """The token of a new upload URL."""
        self._issued += 1
        token = blake2b(f"upload:{settings.seed}:{self._issued}".encode(), digest_size=16).hexdigest()
        self._tickets[token] = Ticket(place, now + settings.upload_expires_s)
        return token

    def ticket(self, token: str) -> Ticket | None:
        return self._tickets.get(token)

    def store(self, file: StoredFile) -> None:
        """Keep a file; one of the same place is replaced."""
        if self._persistence is not None:
            self._persistence.stored(file)
        self.add(file)

    def add(self, file: StoredFile) -> None:
        """Add a file that is kept already."""
        self._files[file.place.organization, file.place.region][file.place.path] = file

    def remove(self, place: Place) -> bool:
        """Whether the file existed."""
        if self._files[place.organization, place.region].pop(place.path, None) is None:
            return False
        if self._persistence is not None:
            self._persistence.removed(place)
        return True

    def find(self, place: Place) -> StoredFile | None:
        return self._files[place.organization, place.region].get(place.path)

    def folder(self, place: Place) -> Mapping[str, StoredFile | None]:
        """The entries of a folder by name, in order; None marks a subfolder."""
        prefix = f"{place.path}/" if place.path else ""
        entries: dict[str, StoredFile | None] = {}
        for path, file in self._files[place.organization, place.region].items():
            if path.startswith(prefix):
                name, slash, _ = path[len(prefix) :].partition("/")
                entries[name] = None if slash else file
        return dict(sorted(entries.items()))

    def is_uploaded(self, uri: str, organization: str, region: str) -> bool:
        """Whether a URI names a file that this organization uploaded to this region."""
        prefix = destination_of(Place(organization, region, ""))
        return uri.startswith(prefix) and self.find(Place(organization, region, uri[len(prefix) :])) is not None

    def __iter__(self) -> Iterator[StoredFile]:
        for files in self._files.values():
            yield from files.values()

    def clear(self) -> None:
        """Remove every file; upload URLs are no longer valid."""
        for file in tuple(self):
            self.remove(file.place)
        self._tickets.clear()


def is_managed(uri: str) -> bool:
    """Whether a URI names a place in the emulator's own storage."""
    return uri.startswith(f"{BUCKET}-")


def destination_of(place: Place) -> str:
    """The URI of a file."""
    return f"{BUCKET}-{place.region}/{place.organization}/{place.path}"
