"""Amounts as the service sends them: decimals as text. A float would change their last digits."""

from decimal import Context, Decimal, InvalidOperation

__all__ = ["EXACT", "decimal_of", "decimal_text"]

MOST_DIGITS = 40
"""A longer number is not an amount of money."""
EXACT = Context(prec=100)
"""Enough digits for any sum of amounts; with Python's default of 28, a micro-cent beside a fortune is rounded off."""


def decimal_text(value: object) -> str | None:
    """A finite decimal as text, digits as the service wrote them; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if len(text) > MOST_DIGITS:
        return None
    try:
        # The text itself, and not the number: 1.50 must not become 1.5.
        return text if Decimal(text).is_finite() else None
    except InvalidOperation:
        return None


def decimal_of(text: str | None) -> Decimal | None:
    """The number that the service wrote as text; None if it is none, or not finite."""
    try:
        number = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None
