"""What batchrun itself reads of a run: as little as it needs, as fast as it can be read."""

from typing import Any

import msgspec

__all__ = ["RunSummary", "RunSummaryPage"]


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
    total: int = 0
    next_page: str | None = None
