"""How to submit: from the manifest's ``[submit]`` table, with flags winning over it."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitSettings:
    """The knobs of one batch; every default is safe for a service whose limits are not known."""

    concurrency: int = DEFAULT_CONCURRENCY
    """Attempts under way at once, at most."""
    rate: float | None = None
    """Attempts a second; None lets the engine find the limit."""
    burst: int | None = None
    """Attempts that may go at once after a quiet time; None is one."""
    read_rate: float | None = None
    """Reading calls a second, at most, beside the attempts.

    None is 5, or a fifth of the attempts' rate (half while no attempt waits) if that is more.
    """
    max_active: int | None = None
    """Unfinished runs of this batch at the service at once, at most; None is no limit."""
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    """Attempts of one run that may fail before it is given up; refusals for rate or quota do not count."""
    settle_after_s: float = DEFAULT_SETTLE_AFTER_S
    """Seconds after a lost attempt until a list without its run is believed."""
    give_up_after_s: float | None = None
    """Stop, resumably, after so many seconds without a run created while none of the batch's own runs is waited for."""
    tag: bool = False
    """Add the Spark property ``spark.batchrun.attempt`` (batch, key, generation) to each payload, outside its key."""
    stop_at_units: float | None = None
    """Stop before spatial units billed, and the most that active and unknown runs may use, pass this."""
    stop_after_failures: float | None = None
    """Stop when this many runs (1 and more), or this share of them (below 1), were rejected or failed."""

    def __post_init__(self) -> None:
        if problems := [problem for problem in _problems(self) if problem is not None]:
            raise UsageError.of(problems)

    @classmethod
    def of(cls, table: SubmitTable, **flags: Any) -> "SubmitSettings":  # noqa: ANN401 - a flag of each type
        """The table's values with the flags that are not None laid over them.

        Raises:
            UsageError: a value cannot be used; every one of them is told.

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
        given = {name: value for name, value in flags.items() if value is not None}
        return replace(cls(), **{name: value for name, value in (from_table | given).items() if value is not None})


def _problems(settings: SubmitSettings) -> list[Problem | None]:
    return [
        _at_least("concurrency", settings.concurrency, 1),
        _above("rate", settings.rate, 0.0),
        _at_least("burst", settings.burst, 1),
        _above("read_rate", settings.read_rate, 0.0),
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
    return Problem(name, f"{value} is too small", f"give {least} or more")


def _above(name: str, value: float | None, bound: float) -> Problem | None:
    if value is None or (value > bound and math.isfinite(value)):
        return None
    return Problem(name, f"{value} is not a usable number", f"give more than {bound:g}")
