"""An organization's storage, through the calls that the service's own clients use: get upload URLs and list folders.

These calls are not part of the public contract. Any of them may be missing or refused.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import msgspec

from batchrun.errors import ApiError
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import is_loopback

__all__ = ["Storage", "UploadTicket", "is_safe_upload_url", "storage_url_path"]

LISTED = 1000
"""Entries of a folder that are looked at: a folder named by a content hash holds one or two."""


MAX_URI = 2_000
"""Characters of a destination: S3 keys have at most 1,024 bytes, and every payload that uses the file carries it."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class UploadTicket(msgspec.Struct, frozen=True, rename="camel"):
    """Where to send a file's bytes, and the URI that it has afterwards. The URL expires."""

    destination: str
    upload_url: str


class _Entry(msgspec.Struct, frozen=True):
    name: str
    size: int | None = None  # a folder has none


class _Listing(msgspec.Struct, frozen=True):
    items: list[_Entry] = []


_read_ticket = msgspec.json.Decoder(UploadTicket).decode
_read_listing = msgspec.json.Decoder(_Listing).decode


@dataclass(frozen=True, slots=True)
class Storage:
    """The storage calls of a client."""

    client: RunsClient

    async def ticket(self, region: str, path: str) -> UploadTicket:
        """Ask where a file is to be uploaded.

        Raises:
            ApiError: the service refused, or names a URL to which nothing must be sent.

        """
        place = "POST /storage/…/file-upload-url"
        content = await self.client.ask("POST", _url(region, "file-upload-url", path), place=place)
        try:
            ticket = _read_ticket(content)
        except msgspec.DecodeError as error:
            raise ApiError(place, f"the response cannot be parsed: {error}") from error
        if not is_safe_upload_url(ticket.upload_url):
            fact = "its upload URL is neither https nor a loopback address"
            raise ApiError(place, fact, "check the base URL; nothing was uploaded")
        if not _is_uri(ticket.destination):
            raise ApiError(place, f"its destination is not a URI: {ticket.destination[:100]!r}")
        return ticket

    async def holds(self, region: str, folder: str, name: str, size: int) -> bool:
        """Whether a folder holds a file of this name and size; False if the folder does not exist.

        Raises:
            ApiError: the service refused, or the response cannot be parsed.

        """
        place = "GET /storage/…/directories"
        try:
            content = await self.client.ask("GET", f"{_url(region, 'directories', folder)}?limit={LISTED}", place=place)
        except ApiError as error:
            if error.trouble.status == 404:  # noqa: PLR2004 - nothing was uploaded there yet
                return False
            raise
        try:
            listing = _read_listing(content)
        except msgspec.DecodeError as error:
            raise ApiError(place, f"the response cannot be parsed: {error}") from error
        return any(entry.name == name and entry.size == size for entry in listing.items)

    async def is_enabled(self, region: str) -> bool:
        """Whether the organization has storage in a region: its root is listed, and answers 404 where there is none.

        Raises:
            ApiError: the service refused.

        """
        try:
            await self.client.ask("GET", f"{_base(region)}/directories/?limit=1", place="GET /storage/…/directories")
        except ApiError as error:
            if error.trouble.status == 404:  # noqa: PLR2004 - see above
                return False
            raise
        return True


def _is_uri(text: str) -> bool:
    """Whether runs can be given this as the place of a file. Its name may hold anything but control characters."""
    return "://" in text and len(text) <= MAX_URI and not _CONTROL.search(text)


def _url(region: str, call: str, path: str) -> str:
    return f"{_base(region)}/{call}/{storage_url_path(path)}"


def _base(region: str) -> str:
    return f"/storage/{quote(f'user_files::{region}', safe=':')}"


def storage_url_path(path: str) -> str:
    """A path in storage for a URL: each segment is encoded by itself, so that a slash stays a separator.

    Raises:
        ValueError: a segment is empty, ``.`` or ``..``.

    """
    segments = path.split("/")
    if any(segment in {"", ".", ".."} for segment in segments):
        raise ValueError(f"{path!r} is not a path in storage")
    return "/".join(quote(segment, safe="") for segment in segments)


def is_safe_upload_url(url: str) -> bool:
    """Whether a file may be sent to a URL: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))
