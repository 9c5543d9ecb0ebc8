"""Collects everything that is wrong at one stage of a manifest, to report it all at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import NoReturn

from batchrun.errors import ManifestError, Problem
from batchrun.redaction import Secrets
from batchrun.sweep.manifest.lines import Lines

__all__ = ["Cursor", "Problems", "did_you_mean"]

NO_FLAGS: Mapping[str, str] = MappingProxyType({})


class Problems:
    """Collects problems until ``check`` raises them together.

    Report through a cursor: ``problems.at("axes.tile").child("types").add(fact, fix)``.
    """

    def __init__(
        self, lines: Lines | None = None, file: str | None = None, flags: Mapping[str, str] = NO_FLAGS
    ) -> None:
        """``flags`` holds the places of the manifest that the command line replaces, each with its flag."""
        self._found: list[Problem] = []
        self.flags = flags
        self._lines = lines
        self._file = file
        self.secrets = Secrets()
        """Environment values that templates use: no problem quotes them."""

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def count(self) -> int:
        return len(self._found)

    def at(self, path: str) -> "Cursor":
        """A cursor at a place: ``axes.tile``, ``--set``, ``tiles.csv:17``."""
        return Cursor(self, path)

    def rule(self, table: str, number: int) -> "Cursor":
        """A cursor at an entry of ``exclude``, ``include`` or ``override``; entries count from 1."""
        return Cursor(self, f"{table} #{number}").as_rule()

    def check(self) -> None:
        """Return only if nothing is wrong so far.

        Raises:
            ManifestError: something is wrong; it carries every problem.

        """
        if self._found:
            raise ManifestError(self._found)

    def _add(self, path: str, fact: str, fix: str) -> None:
        problem = Problem(self._place(path), self.secrets.hidden(fact), self.secrets.hidden(fix))
        # One template is read several times: for [run], for each override, and again with the environment.
        if problem not in self._found:
            self._found.append(problem)

    def _place(self, path: str) -> str:
        """A path with its line, or the flag that replaces it."""
        for replaced, flag in self.flags.items():
            if path == replaced or path.startswith(f"{replaced}["):
                return flag + path.removeprefix(replaced)
            if path.startswith((f"{replaced}.", f"{replaced}: ")):
                return f"{flag}: {path.removeprefix(replaced).lstrip('.: ')}"
        line = self._lines.of(path) if self._lines is not None else None
        return path if line is None or self._file is None else f"{self._file}:{line}: {path}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a manifest, a flag or a data file, and the problems found there.

    A function that reads part of a manifest takes one cursor and moves it as it descends, as ``field.Path`` does in
    Kubernetes' validation. Moving makes a new cursor and costs one string; line numbers are looked up only when a
    problem is added.
    """

    problems: Problems
    path: str
    _separator: str = "."

    def child(self, name: str) -> "Cursor":
        """A key of this table: ``axes.tile`` becomes ``axes.tile.types``, ``exclude #1`` becomes ``exclude #1: res``."""
        return Cursor(self.problems, f"{self.path}{self._separator}{name}")

    def index(self, position: int) -> "Cursor":
        """An element of this array, from 0: ``run.args`` becomes ``run.args[3]``."""
        return Cursor(self.problems, f"{self.path}[{position}]")

    def as_rule(self) -> "Cursor":
        """The same place, whose children are axes or settings: they follow a colon, as in ``exclude #1: res``."""
        return Cursor(self.problems, self.path, ": ")

    def elsewhere(self, path: str) -> "Cursor":
        """Another place of the same stage, such as the line of a data file that the manifest names."""
        return Cursor(self.problems, path)

    def add(self, fact: str, fix: str = "") -> None:
        """Report a problem here. The same problem at the same place is reported once."""
        self.problems._add(self.path, fact, fix)  # noqa: SLF001 - the two classes are one unit

    def fail(self, fact: str, fix: str = "") -> NoReturn:
        """Report a problem after which nothing else can be checked.

        Raises:
            ManifestError: always; it carries every problem so far.

        """
        self.add(fact, fix)
        raise ManifestError(self.problems._found)  # noqa: SLF001 - the two classes are one unit


def did_you_mean(name: str, known: Iterable[str], *, prefix: str = "", otherwise: str = "") -> str:
    """The closest known name as a suggestion, or else all of them; ``otherwise`` if there are none.

    ``prefix`` is put before the names: a field is ``site.id``, but its axis must not count as a likeness.
    """
    known = list(known)
    if close := get_close_matches(name, known, n=1, cutoff=0.5):
        return f"did you mean '{prefix}{close[0]}'?"
    return f"use one of: {', '.join(prefix + one for one in known)}" if known else otherwise
