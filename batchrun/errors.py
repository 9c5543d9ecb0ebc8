"""The tree of errors. Every error names the place, the fact and, where there is one, the fix.

BatchrunError
├── UsageError               an invalid command, setting or argument; nothing was sent
│   ├── ManifestError        an invalid manifest, data file or plan; holds every problem found
│   ├── PlanChangedError     the plan file changed after it was first read
│   └── SettingsError        a missing or invalid API key, base URL or other setting
├── LedgerError              the ledger cannot be used
│   ├── LedgerHeldError      another process is writing it
│   ├── LedgerDamagedError   a line other than a torn last one cannot be parsed
│   ├── LedgerFormatError    not a ledger, or one of an unsupported format version
│   ├── LedgerMismatchError  it belongs to a different plan, service or organization
│   │   └── SweepChangedError   the plan changed, and that was not allowed
│   ├── RunsExistError       the service holds runs that should be in the ledger but are not
│   └── LedgerWriteError     a write or a sync failed; nothing more may be sent
│       └── LedgerChangedError  the file was replaced, removed or modified by something else while in use
├── UploadError              local files could not be uploaded; so no run was created
├── BatchStoppedError        a batch stopped early; it can be resumed
└── ApiError                 the service refused a request, or its response is unusable
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from typing_extensions import override

__all__ = [
    "ApiError",
    "BatchStoppedError",
    "BatchrunError",
    "LedgerChangedError",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerFormatError",
    "LedgerHeldError",
    "LedgerMismatchError",
    "LedgerWriteError",
    "ManifestError",
    "PlanChangedError",
    "Problem",
    "RunsExistError",
    "SettingsError",
    "SweepChangedError",
    "Trouble",
    "UploadError",
    "UsageError",
    "first_of",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: where it is, what is wrong, and how to fix it (may be empty)."""

    place: str
    fact: str
    fix: str = ""

    def text(self) -> str:
        """All of it on one line: ``place: fact; fix``."""
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.fact}" + (f"; {self.fix}" if self.fix else "")

    def json(self) -> dict[str, Any]:
        return {"place": self.place, "fact": self.fact, "fix": self.fix}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a request or a run failed, in the service's own terms; every field may be missing.

    The same value travels from the response through the ledger to the export.
    """

    status: int | None = None
    """The HTTP status; None if no response arrived."""
    code: str | None = None
    message: str | None = None
    field: str | None = None
    """The field of the payload that the service objects to."""
    suggestion: str | None = None

    def describe(self) -> str:
        """``HTTP 409 (CONFLICT_ERROR): message``, as far as it is known."""
        status = f"HTTP {self.status}" if self.status is not None else ""
        code = (f" ({self.code})" if status else self.code) if self.code else ""
        return ": ".join(filter(None, [status + code, self.message]))


NO_TROUBLE = Trouble()


class BatchrunError(Exception):
    """Base class of batchrun's errors; holds one or more problems."""

    def __init__(self, place: str, fact: str, fix: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(place, fact, fix),)
        super().__init__(place, fact, fix)

    @override
    def __str__(self) -> str:
        return "\n".join(problem.text() for problem in self.problems)


class UsageError(BatchrunError):
    """An invalid command, setting or argument; nothing was sent."""

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> "UsageError":
        """One error for several problems, so that all can be fixed at once."""
        first, *others = problems
        error = UsageError(first.place, first.fact, first.fix)
        error.problems = (first, *others)
        return error


class ManifestError(UsageError):
    """An invalid manifest, data file or plan; ``problems`` holds everything found, so that all can be fixed at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        super().__init__(found[0].place, found[0].fact, found[0].fix)
        self.problems = found


class PlanChangedError(UsageError):
    """The plan file was replaced or modified after it was first read."""


class SettingsError(UsageError):
    """A missing or invalid API key, base URL or other setting."""


class LedgerError(BatchrunError):
    """The ledger cannot be used."""


class LedgerHeldError(LedgerError):
    """Another process is writing this ledger."""


class LedgerDamagedError(LedgerError):
    """A line other than a torn last one cannot be parsed."""


class LedgerFormatError(LedgerError):
    """The file is not a ledger, or one of an unsupported format version."""


class LedgerMismatchError(LedgerError):
    """The ledger belongs to a different plan, service or organization."""


class SweepChangedError(LedgerMismatchError):
    """The plan differs from the one in the ledger, and that was not allowed."""


class RunsExistError(LedgerError):
    """The service holds runs with planned names that are not in the ledger.

    ``run_ids`` maps their ids to their names.
    """

    def __init__(self, place: str, fact: str, fix: str = "", *, run_ids: dict[str, str]) -> None:
        super().__init__(place, fact, fix)
        self.run_ids = run_ids


class LedgerWriteError(LedgerError):
    """A write or a sync failed. What reached the disk is unknown, so nothing more may be sent."""


class LedgerChangedError(LedgerWriteError):
    """The ledger was replaced, removed, truncated or written by something else while this process used it."""


class UploadError(BatchrunError):
    """Local files could not be uploaded; ``problems`` has one entry for each file and region."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        super().__init__(found[0].place, found[0].fact, found[0].fix)
        self.problems = found


class BatchStoppedError(BatchrunError):
    """A batch stopped early and can be resumed; ``reason`` is a ``StopReason``, such as ``unauthorized``."""

    def __init__(self, place: str, fact: str, fix: str = "", *, reason: str) -> None:
        super().__init__(place, fact, fix)
        self.reason = reason


class ApiError(BatchrunError):
    """The service refused a request, or sent a response that cannot be used.

    ``trouble`` holds the HTTP status of a refusal and the error from its body. ``is_unreadable``: a response arrived that
    is not a refusal and that the service itself would not have sent.
    """

    def __init__(
        self,
        place: str,
        fact: str,
        fix: str = "",
        *,
        trouble: Trouble = NO_TROUBLE,
        retry_after_s: float | None = None,
        is_unreadable: bool = False,
    ) -> None:
        super().__init__(place, fact, fix)
        self.trouble = trouble
        self.retry_after_s = retry_after_s
        self.is_unreadable = is_unreadable

    @property
    def http_status(self) -> int | None:
        """None if no response arrived, or if it was not a refusal."""
        return self.trouble.status


E = TypeVar("E", bound=BaseException)


def first_of(group: BaseExceptionGroup[E]) -> E:
    """The first error in a task group that is not a group itself: callers expect the error, not the group."""
    found: E | BaseExceptionGroup[E] = group
    while isinstance(found, BaseExceptionGroup):
        # Further ones are consequences as a rule: the first failure cancels the other tasks.
        found = found.exceptions[0]
    return found
