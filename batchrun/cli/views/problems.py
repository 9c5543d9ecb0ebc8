"""Problems of many runs, merged into one per reason."""

from collections.abc import Iterable, Iterator

from batchrun.cli.text import numbered
from batchrun.errors import Problem

__all__ = ["as_few"]


def as_few(problems: Iterable[Problem]) -> Iterator[Problem]:
    """One problem for each reason: hundreds of runs may have the same."""
    places: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        places.setdefault((problem.fact, problem.fix), []).append(problem.place)
    for (fact, fix), names in places.items():
        yield Problem(names[0] if len(names) == 1 else numbered(len(names), "run"), fact, fix)
