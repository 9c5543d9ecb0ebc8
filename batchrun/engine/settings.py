"""How to submit: the manifest's ``[submit]`` table, overridden by flags."""

import math
from dataclasses import dataclass, replace
from typing import Any

from batchrun.errors import Problem, UsageError
from batchrun.sweep.manifest.manifest import SubmitTable

__all__ = [
    "DEFAULT_CONCURRENCY",
    "DEFAULT_MAX_ATTEMPTS",
    "DEFAULT_SETTLE_AFTER_S",
    "SubmitSettings",
]

DEFAULT_CONCURRENCY = 16
"""With responses in 100 ms, enough for 160 attempts a second."""
DEFAULT_MAX_ATTEMPTS = 8
"""Seven waits, half a minute together on average and about a minute at most: a service that restarts is back by then."""
DEFAULT_SETTLE_AFTER_S = 30.0
"""A service commits a request within its own timeout, which is rarely longer: a lost one has committed by then, or never will."""
MOST_AT_ONCE = 5_000
"""Concurrent attempts: each needs a worker and a connection, and a machine has some 28,000 ports to one service."""
MOST_PER_S = 100_000
"""Attempts per second: several times what a client can send (docs/transports.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitSettings:
    """How to submit one batch. Every default is safe for a service whose limits are unknown."""

    concurrency: int = DEFAULT_CONCURRENCY
    """Maximum attempts in flight."""
    rate: float | None = None
    """Maximum attempts per second; None searches for the service's limit."""
    burst: int | None = None
    """Attempts that may be sent at once after an idle period; None means one."""
    read_rate: float | None = None
    """Maximum read requests per second, in addition to the attempts.

    None means 5, or a fifth of the attempt rate (half while no attempt is waiting) if that is higher.
    """
    max_active: int | None = None
    """Maximum unfinished runs of this batch at the service; None means no limit."""
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    """Failed attempts before giving up on a run; refusals for rate or quota do not count."""
    settle_after_s: float = DEFAULT_SETTLE_AFTER_S
    """Seconds to wait before concluding, from lists without the run, that a lost attempt created none."""
    give_up_after_s: float | None = None
    """Stop (resumable) after this many seconds without a created run; None never stops.

    Time spent waiting for the batch's own runs to end does not count.
    """
    tag: bool = False
    """Add the Spark property ``spark.batchrun.attempt`` (batch, key, generation) to each payload, outside its key."""
    stop_at_units: float | None = None
    """Stop before the spatial units billed, plus the most that active and unknown runs may use, exceed this."""
    stop_after_failures: float | None = None
    """Stop when this many runs (1 or more), or this share of them (below 1), have failed or been rejected."""

    def __post_init__(self) -> None:
        if problems := [problem for problem in _problems(self) if problem is not None]:
            raise UsageError.of(problems)

    @classmethod
    def of(cls, table: SubmitTable, **flags: Any) -> "SubmitSettings":  # noqa: ANN401 - a flag of each type
        """The table's values, overridden by the flags that are not None.

        Raises:
            UsageError: a value cannot be used; all problems are reported at once.

        """
        from_table = {
            "concurrency": table.concurrency,
            "rate": table.rate,
            "burst": table.burst,
            "read_rate": table.read_rate,
            "max_active": table.max_active,
            "max_attempts": table.max_attempts,
            "settle_after_s": table.settle_after_s,
            "stop_at_units": table.stop_at_units,
            "stop_after_failures": table.stop_after_failures,
            "give_up_after_s": table.give_up_after_s,
            "tag": table.tag,
        }
        # None is a flag that was not given; 0 and false are values, and refused or taken as such.
        given = {name: value for name, value in flags.items() if value is not None}
        return replace(cls(), **{name: value for name, value in (from_table | given).items() if value is not None})


def _problems(settings: SubmitSettings) -> list[Problem | None]:
    return [
        _at_least("concurrency", settings.concurrency, 1)
        or _at_most("concurrency", settings.concurrency, MOST_AT_ONCE),
        _above("rate", settings.rate, 0.0) or _at_most("rate", settings.rate, MOST_PER_S),
        _at_least("burst", settings.burst, 1),
        _above("read_rate", settings.read_rate, 0.0) or _at_most("read_rate", settings.read_rate, MOST_PER_S),
        _at_least("max_active", settings.max_active, 1),
        _at_least("max_attempts", settings.max_attempts, 1),
        _at_least("settle_after", settings.settle_after_s, 0),
        _above("give_up_after", settings.give_up_after_s, 0.0),
        _above("stop_at_units", settings.stop_at_units, 0.0),
        _above("stop_after_failures", settings.stop_after_failures, 0.0),
    ]


def _at_least(name: str, value: float | None, least: int) -> Problem | None:
    if value is None or (value >= least and math.isfinite(value)):
        return None
    return Problem(name, f"{value} is too small", f"use {least} or more")


def _at_most(name: str, value: float | None, most: float) -> Problem | None:
    if value is None or value <= most:
        return None
    return Problem(name, f"{value:,} is too large", f"use {most:,} or less")


def _above(name: str, value: float | None, bound: float) -> Problem | None:
    if value is None or (value > bound and math.isfinite(value)):
        return None
    return Problem(name, f"{value} is out of range", f"use a number greater than {bound:g}")
