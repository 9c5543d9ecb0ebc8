"""The kinds of value an axis can hold, comparing them, and a value's text exactly as it was typed."""

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from typing_extensions import override

__all__ = ["Kind", "TypedFloat", "Value", "canonical_value", "is_text", "kind_of", "shown", "text_of"]

Value = Any
"""str, int, float, bool, date, datetime, or a dict of those (a record)."""


class Kind(StrEnum):
    """What an axis holds; one kind an axis."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    LOCAL_DATETIME = "datetime without offset"
    RECORD = "record"


class TypedFloat(float):
    """A float that remembers how it was written: ``3.10`` stays ``3.10``."""

    __slots__ = ("text",)

    text: str

    @classmethod
    def parse(cls, text: str) -> "TypedFloat":
        """From TOML's, CSV's or JSON's spelling; underscores are dropped."""
        number = cls(text)
        number.text = text.replace("_", "")
        return number

    @override
    def __repr__(self) -> str:
        return self.text


def kind_of(value: Value) -> Kind | None:
    """The kind of a value, or None when an axis cannot hold it."""
    match value:
        case bool():
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
    """Whether a string is text: half a surrogate pair, as a broken environment may hold, is not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_of(value: Value) -> str:
    """A value as it is put into a string."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case TypedFloat():
            return value.text
        case Decimal():
            return format(value, "f")
        case float():
            return repr(value)
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)


def shown(value: Value) -> str:
    """A value as TOML would spell it, for messages."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{" + ", ".join(f"{name} = {shown(one)}" for name, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(shown, value)) + "]"
        case _:
            return text_of(value)


def canonical_value(value: Value) -> Any:
    """A value as JSON holds it: dates as ISO text; numbers as numbers, so that 1.0 and 1.00 are one point."""
    match value:
        case bool() | str() | int():
            return value
        case float() | Decimal():
            number = float(value)
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        case dict():
            return {name: canonical_value(one) for name, one in value.items()}
        case _:
            return text_of(value)
