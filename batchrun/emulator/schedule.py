"""Which requests a fault hits: deterministic in the seed, so that a failure can be reproduced."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

__all__ = ["FaultSchedule", "uniform"]

_SCHEDULE = re.compile(r"^\s*([0-9.eE+-]+)\s*(?:@\s*(\d+)?\s*-\s*(\d+)?\s*)?$")


def uniform(seed: int, purpose: str, number: int) -> float:
    """A number in [0, 1) that depends only on its arguments.

    A hash instead of ``random.Random``: request 100 gets the same answer whatever the order in which requests 1 to 99
    arrived, and one fault never shifts the draws of another.
    """
    digest = blake2b(f"{seed}:{purpose}:{number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / (1 << 56)


@dataclass(frozen=True, slots=True)
class FaultSchedule:
    """The probability of a fault, and the range of request numbers (from 1) it is limited to. None is unbounded."""

    probability: float = 0.0
    from_request: int | None = None
    to_request: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"a probability is between 0 and 1, not {self.probability}")

    @classmethod
    def parse(cls, value: Any) -> Any:  # noqa: ANN401 - whatever a file or a flag contains; pydantic validates the rest
        """Read a number, text such as ``0.05`` or ``1@100-200``, or a table of the fields."""
        if isinstance(value, bool):
            raise ValueError("a fault takes a probability such as 0.05")  # noqa: TRY004 - pydantic reports ValueError
        if isinstance(value, int | float):
            return cls(float(value))
        return cls._parse_text(value) if isinstance(value, str) else value

    @classmethod
    def _parse_text(cls, text: str) -> "FaultSchedule":
        match = _SCHEDULE.match(text)
        if match is None:
            raise ValueError(f"{text!r} is not a valid fault; use a probability such as 0.05, or 0.05@100-200")
        probability, first, last = match.groups()
        return cls(float(probability), int(first) if first else None, int(last) if last else None)

    def text(self) -> str:
        """The schedule as written in a flag."""
        first, last = self.from_request, self.to_request
        requests = "" if first is None and last is None else f"@{first or ''}-{last or ''}"
        return f"{self.probability:g}{requests}"

    def applies(self, seed: int, name: str, number: int) -> bool:
        """Whether the fault ``name`` hits request ``number``."""
        if not self.probability:
            return False
        if self.from_request is not None and number < self.from_request:
            return False
        if self.to_request is not None and number > self.to_request:
            return False
        return uniform(seed, name, number) < self.probability
