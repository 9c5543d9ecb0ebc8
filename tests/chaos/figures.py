"""What was done and seen, added up over rounds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

__all__ = ["Figures", "table"]


@dataclass(slots=True)
class Figures:
    """Counts of one round, or of many."""

    rounds: int = 0
    runs: int = 0
    starts: int = 0
    attempts: int = 0
    settled: int = 0
    created: int = 0
    """Runs that the service created for the batch, those that were deleted later included."""
    twice: int = 0
    """Names that exist more than once at the end: an attempt committed later than any look could see."""
    missing: int = 0
    """Runs of the ledger that were deleted at the service."""
    unknown: int = 0
    """Names that stay unknown and exist: the service shows them with another payload."""
    seen: int = 0
    """Of all these, what `batchrun verify` reported."""
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    neighbours: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)
    """What the command refused or reported, as it had to."""

    def add(self, other: "Figures") -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


def table(figures: Figures, seconds: float) -> Iterable[str]:
    """The figures as a Markdown table."""
    rows = [
        ("rounds", figures.rounds),
        ("runs planned", figures.runs),
        ("processes started", figures.starts),
        *((f"ended: {name}", count) for name, count in sorted(figures.kills.items())),
        *((f"neighbour: {name}", count) for name, count in sorted(figures.neighbours.items())),
        *((name, count) for name, count in sorted(figures.reported.items())),
        *((f"fault: {name}", count) for name, count in sorted(figures.faults.items())),
        ("attempts", figures.attempts),
        ("settled by listing", figures.settled),
        ("runs created", figures.created),
        *((f"outcome: {name}", count) for name, count in sorted(figures.outcomes.items())),
        ("names that exist twice, of commits that came too late", figures.twice),
        ("runs deleted at the service", figures.missing),
        ("names that exist and stay unknown", figures.unknown),
        ("of these three, reported by verify", figures.seen),
        ("seconds", round(seconds)),
    ]
    yield "| figure | count |"
    yield "|---|---:|"
    yield from (f"| {name} | {count:,} |" for name, count in rows)
