"""What batchrun itself reads of a run: as little as it needs, as fast as it can be read."""

import re
from typing import Any

import msgspec

__all__ = ["Organization", "RunSummary", "RunSummaryPage", "is_usable_id"]


_USABLE_ID = re.compile(r"[A-Za-z0-9_.:~@+=-]{1,128}")


def is_usable_id(run_id: str) -> bool:
    """Whether an id can be kept and asked for.

    Ids seen are short words. Slashes, escapes and blanks would change the meaning of a URL that the id is put into, and an
    endless id would fill the ledger.
    """
    return _USABLE_ID.fullmatch(run_id) is not None


class RunSummary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What batchrun itself needs of a ``RunView``; everything else may be missing, unknown or odd.

    Submitting and settling read this instead of a whole ``RunView``: an answer whose id can be read is a created run
    even when the rest of it is not what the contract says.
    """

    id: str
    name: str | None = None
    status: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    start_time: str | None = None
    complete_time: str | None = None
    payload: dict[str, Any] | None = None


class RunSummaryPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of ``GET /runs``, read as heads."""

    items: list[RunSummary]
    total: int | None = None
    """How many runs fit the query; None if the service does not say, and then no page proves that there are no more."""
    next_page: str | None = None


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """What batchrun reads of ``GET /organization``."""

    id: str
