"""The kinds of value that an axis can hold, and the text of a value exactly as it was typed."""

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from typing_extensions import override

__all__ = ["Kind", "TypedFloat", "Value", "as_toml", "canonical_value", "is_text", "kind_of", "shown", "text_of"]

Value = Any
"""str, int, float, bool, date, datetime, or a dict of those (a record)."""

MAX_SHOWN = 60


class Kind(StrEnum):
    """What an axis holds; each axis holds one kind.

    Datetimes with and without an offset are two kinds: Python refuses to compare them, and a guess at the missing offset
    would select other points than the author meant.
    """

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    LOCAL_DATETIME = "datetime without offset"
    RECORD = "record"

    @property
    def plural(self) -> str:
        return "datetimes without offset" if self is Kind.LOCAL_DATETIME else f"{self}s"


class TypedFloat(float):
    """A float that remembers its spelling: ``3.10`` stays ``3.10``.

    GitHub's matrices and Hydra turn the version 3.10 into 3.1.
    """

    __slots__ = ("text",)

    text: str

    @classmethod
    def parse(cls, text: str) -> "TypedFloat":
        """Parse the spelling in TOML, CSV or JSON; underscores are dropped."""
        number = cls(text)
        number.text = text.replace("_", "")
        return number

    @override
    def __repr__(self) -> str:
        return self.text


def kind_of(value: Value) -> Kind | None:
    """The kind of a value, or None when an axis cannot hold it."""
    match value:
        case bool():  # before int, and datetime before date: each is a subclass of the other
            return Kind.BOOLEAN
        case int():
            return Kind.NUMBER
        case float() | Decimal():
            return Kind.NUMBER if math.isfinite(value) else None
        case str():
            return Kind.STRING
        case datetime():
            return Kind.DATETIME if value.utcoffset() is not None else Kind.LOCAL_DATETIME
        case date():
            return Kind.DATE
        case dict():
            return Kind.RECORD
        case _:
            return None


def is_text(text: str) -> bool:
    """Whether a string can be encoded as UTF-8.

    An unpaired surrogate cannot; Python makes them from bytes that are not UTF-8 in flags and environment variables.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_of(value: Value) -> str:
    """A value as it appears in a rendered string."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case TypedFloat():
            return value.text
        case Decimal():  # from Parquet
            return format(value, "f")
        case float():
            return repr(value)
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)


def as_toml(value: Value) -> str:
    """A value as TOML spells it, for messages."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{" + ", ".join(f"{name} = {as_toml(one)}" for name, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case _:
            return text_of(value)


def shown(value: Value) -> str:
    """A value as TOML spells it, cut to 60 characters: in a message, the place says which value it is."""
    text = as_toml(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "…"


def canonical_value(value: Value) -> Any:
    """A value as JSON holds it: dates as ISO text; numbers by value, so that 1, 1.0 and 1.00 are the same point."""
    match value:
        case bool() | str() | int():
            return value
        case float() | Decimal():
            number = float(value)
            # Beyond 2**53 floats skip integers, and to print one as an integer would claim digits it does not have.
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        case dict():
            return {name: canonical_value(one) for name, one in value.items()}
        case _:
            return text_of(value)
