"""The fields of a run that batchrun itself uses, parsed by msgspec for speed."""

from typing import Any

import msgspec

__all__ = ["RunSummary", "RunSummaryPage"]


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


class RunSummaryPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of ``GET /runs``."""

    items: list[RunSummary]
    total: int = 0
    next_page: str | None = None
