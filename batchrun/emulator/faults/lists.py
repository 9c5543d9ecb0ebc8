"""Faults that affect only ``GET /runs``: pages that end too early or lead nowhere."""

__all__ = ["LIST_FAULTS", "LIST_REFUSALS", "next_page_of"]

LIST_REFUSALS = ("list_error", "list_not_found")
LIST_FAULTS = (*LIST_REFUSALS, "list_repeats", "list_ends_early")
"""In order of precedence, as for the faults of every request."""


def next_page_of(fault: str | None, *, current_page: str, next_page: str | None) -> str | None:
    """The cursor that a page shows. Its ``total`` stays right, so that a careful client can notice the difference."""
    if fault == "list_repeats":
        return current_page
    return None if fault == "list_ends_early" else next_page
