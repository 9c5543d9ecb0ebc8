"""What every event of a ledger has in common."""

import msgspec

__all__ = ["LedgerEvent"]


class LedgerEvent(msgspec.Struct, tag_field="event", omit_defaults=True, kw_only=True, frozen=True, gc=False):
    """``at``: when it was written, RFC 3339 in UTC with milliseconds."""

    at: str
