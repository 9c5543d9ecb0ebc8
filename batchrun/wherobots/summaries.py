"""The fields of a run that batchrun itself uses, parsed by msgspec for speed."""

import re
from typing import Any
from urllib.parse import quote

import msgspec

from batchrun.errors import ApiError

__all__ = ["AppEvent", "AppSummary", "Organization", "RunSummary", "RunSummaryPage", "is_usable_id", "run_path"]


_USABLE_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9_.:~@+=-]{1,128}")


def is_usable_id(run_id: str) -> bool:
    """Whether an id can be kept and asked for.

    Ids seen are short words. Slashes, escapes and blanks would change the meaning of a URL that the id is put into, as
    ``.`` and ``..`` would, which clients and proxies resolve. An endless id would fill the ledger.
    """
    return _USABLE_ID.fullmatch(run_id) is not None


def run_path(run_id: str) -> str:
    """The path of a run at the service. The id may be from a ledger, or from the command line.

    Raises:
        ApiError: it would make another path.

    """
    if not is_usable_id(run_id):
        raise ApiError("GET /runs/{id}", f"{run_id[:40]!r} is not a run's id", "check where the id comes from")
    return f"/runs/{quote(run_id, safe='')}"


class RunSummary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The part of a ``RunView`` that batchrun uses; everything else may be missing or invalid.

    Submitting and settling parse this instead of a ``RunView``: a response with a readable id is a created run, even
    if the rest of it violates the contract.
    """

    id: str
    name: str | None = None
    status: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    start_time: str | None = None
    complete_time: str | None = None
    payload: dict[str, Any] | None = None
    kube_app: msgspec.Raw = msgspec.Raw()
    """As the service wrote it: whatever is wrong with it must not make the run unreadable. ``RunsClient.app`` reads it."""


class AppEvent(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something that happened to an application."""

    code: str | None = None
    message: str | None = None
    create_time: str | None = None


class AppSummary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The part of a ``RunKubeApp`` that batchrun uses."""

    id: str | None = None
    message: str | None = None
    events: list[AppEvent] = []


class RunSummaryPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of ``GET /runs``."""

    items: list[RunSummary]
    total: int | None = None
    """How many runs fit the query; None if the service does not say, and then no page proves that there are no more."""
    next_page: str | None = None


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """What batchrun reads of ``GET /organization``."""

    id: str
