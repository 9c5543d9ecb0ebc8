"""One tree of errors; each says the place, the fact and the fix.

BatchrunError
├── UsageError             a command, a setting or an argument is wrong; nothing was sent
│   ├── ManifestError      the manifest, its data files or its plan are wrong; carries every problem of the stage
│   └── SettingsError      the API key, the base URL or another setting is missing or unusable
├── LedgerError            the ledger cannot be used
│   ├── LedgerHeldError    another process is writing it
│   ├── LedgerDamagedError a line that is not the torn last one cannot be read
│   ├── LedgerFormatError  it is of another format version, or no ledger at all
│   ├── LedgerMismatchError  it belongs to another plan, another service or another organisation
│   ├── RunsExistError     the service holds runs that the ledger should know and does not
│   └── LedgerWriteError   a write or a sync failed; nothing may be sent any more
│       └── LedgerChangedError  the file was replaced, removed or written by somebody else while in use
└── ApiError               the service refused, or answered what cannot be used
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

__all__ = [
    "ApiError",
    "BatchrunError",
    "LedgerChangedError",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerFormatError",
    "LedgerHeldError",
    "LedgerMismatchError",
    "LedgerWriteError",
    "ManifestError",
    "Problem",
    "RunsExistError",
    "SettingsError",
    "Trouble",
    "UsageError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it is, what it is, and how to mend it (may be empty)."""

    place: str
    fact: str
    fix: str = ""

    def text(self) -> str:
        """The house style on one line: ``place: fact; fix``."""
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
    """Anything batchrun refuses to do, told as one or more problems."""

    def __init__(self, place: str, fact: str, fix: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(place, fact, fix),)
        super().__init__(place, fact, fix)

    @override
    def __str__(self) -> str:
        return "\n".join(problem.text() for problem in self.problems)


class UsageError(BatchrunError):
    """A command, a setting or an argument is wrong; nothing was sent."""


class ManifestError(UsageError):
    """The manifest, its data files or its plan are wrong; every problem of the stage at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        super().__init__(found[0].place, found[0].fact, found[0].fix)
        self.problems = found


class SettingsError(UsageError):
    """The API key, the base URL or another setting is missing or unusable."""


class LedgerError(BatchrunError):
    """The ledger cannot be used."""


class LedgerHeldError(LedgerError):
    """Another process is writing this ledger."""


class LedgerDamagedError(LedgerError):
    """A line that is not the torn last one cannot be read."""


class LedgerFormatError(LedgerError):
    """The file is a ledger of another format version, or no ledger at all."""


class LedgerMismatchError(LedgerError):
    """The ledger belongs to another plan, another service or another organisation."""


class RunsExistError(LedgerError):
    """The service holds runs of planned names that the ledger does not know.

    ``run_ids`` are their ids, with the name of each.
    """

    def __init__(self, place: str, fact: str, fix: str = "", *, run_ids: dict[str, str]) -> None:
        super().__init__(place, fact, fix)
        self.run_ids = run_ids


class LedgerWriteError(LedgerError):
    """A write or a sync failed; what reached the disk is unknown and nothing may be sent any more."""


class LedgerChangedError(LedgerWriteError):
    """The ledger was replaced, removed, cut or written by somebody else while this process used it."""


class ApiError(BatchrunError):
    """The service refused a request, or sent a response that cannot be used.

    ``trouble`` holds the HTTP status, if any response arrived, and what the error body says.
    """

    def __init__(
        self,
        place: str,
        fact: str,
        fix: str = "",
        *,
        trouble: Trouble = NO_TROUBLE,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(place, fact, fix)
        self.trouble = trouble
        self.retry_after_s = retry_after_s

    @property
    def http_status(self) -> int | None:
        """None if no response arrived."""
        return self.trouble.status
