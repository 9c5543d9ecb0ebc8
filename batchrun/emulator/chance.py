"""Chance that can be repeated: the same seed, the same question and the same number give the same answer."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

__all__ = ["Fault", "uniform"]

_RANGE = re.compile(r"^\s*([0-9.eE+-]+)\s*(?:@\s*(\d+)?\s*-\s*(\d+)?\s*)?$")


def uniform(seed: int, question: str, number: int) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    digest = blake2b(f"{seed}:{question}:{number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / (1 << 56)


@dataclass(frozen=True, slots=True)
class Fault:
    """How likely something is, and for which requests (numbered from 1; None leaves that end open)."""

    probability: float = 0.0
    from_request: int | None = None
    to_request: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"a probability is between 0 and 1, not {self.probability}")

    @classmethod
    def of(cls, value: Any) -> Any:  # noqa: ANN401 - whatever a file or a flag held; pydantic judges the rest
        """From a number, from text such as ``0.05`` or ``1@100-200``, or from a table of the fields."""
        if isinstance(value, bool):
            raise ValueError("a fault is a probability, such as 0.05")  # noqa: TRY004 - pydantic reads ValueError
        if isinstance(value, int | float):
            return cls(float(value))
        return cls._parsed(value) if isinstance(value, str) else value

    @classmethod
    def _parsed(cls, text: str) -> "Fault":
        found = _RANGE.match(text)
        if found is None:
            raise ValueError(f"{text!r} is no fault; write a probability such as 0.05, or 0.05@100-200")
        share, first, last = found.groups()
        return cls(float(share), int(first) if first else None, int(last) if last else None)

    def text(self) -> str:
        """As it is written in a flag."""
        first, last = self.from_request, self.to_request
        where = "" if first is None and last is None else f"@{first or ''}-{last or ''}"
        return f"{self.probability:g}{where}"

    def strikes(self, seed: int, name: str, number: int) -> bool:
        """Whether it happens to request ``number``."""
        if not self.probability:
            return False
        if self.from_request is not None and number < self.from_request:
            return False
        if self.to_request is not None and number > self.to_request:
            return False
        return uniform(seed, name, number) < self.probability
