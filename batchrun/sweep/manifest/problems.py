"""Everything that is wrong with one stage of a manifest, told at once."""

from difflib import get_close_matches
from typing import NoReturn

from batchrun.errors import ManifestError, Problem
from batchrun.sweep.manifest.lines import Lines

__all__ = ["Problems", "did_you_mean"]


class Problems:
    """Collects problems until somebody asks whether there are any."""

    def __init__(self, lines: Lines | None = None, file: str | None = None) -> None:
        self._found: list[Problem] = []
        self._lines = lines
        self._file = file

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def count(self) -> int:
        return len(self._found)

    def add(self, place: str, fact: str, fix: str = "") -> None:
        """Remember a problem; the same one twice is one."""
        problem = Problem(self._with_line(place), fact, fix)
        if problem not in self._found:
            self._found.append(problem)

    def _with_line(self, place: str) -> str:
        """The place, led by file and line where the manifest's file and the line are known."""
        line = self._lines.of(place) if self._lines is not None else None
        return place if line is None or self._file is None else f"{self._file}:{line}: {place}"

    def check(self) -> None:
        """Go on only when nothing is wrong so far.

        Raises:
            ManifestError: something is; it carries all of it.

        """
        if self._found:
            raise ManifestError(self._found)

    def fail(self, place: str, fact: str, fix: str = "") -> NoReturn:
        """Remember a last problem after which nothing else can be looked at.

        Raises:
            ManifestError: always.

        """
        self.add(place, fact, fix)
        raise ManifestError(self._found)


def did_you_mean(name: str, known: list[str], template: str = "did you mean '{}'?") -> str:
    """A suggestion where one is close, else what there is to choose from."""
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return template.format(close[0])
    return f"known: {', '.join(known)}" if known else ""
