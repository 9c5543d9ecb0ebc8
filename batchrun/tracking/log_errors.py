"""Find the line of a log that says why a run failed. Pure, and linear in the text: logs are untrusted."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["error_line", "group_by_error", "is_error_line"]

LOOKED_AT = 75
"""Characters at the beginning of a line that are looked at, as in the service's own console."""
MARKERS = ("Traceback", "AnalysisException", "ParseException", "Py4JJavaError", "ERROR")
_EXCEPTION = re.compile(r"[A-Za-z_.]{0,200}(?:Error|Exception)\b")
_NUMBERS = re.compile(r"\d+")
SHOWN = 200


def is_error_line(line: str) -> bool:
    """Whether a line is worth showing first."""
    start = line[:LOOKED_AT]
    return any(marker in start for marker in MARKERS) or _EXCEPTION.match(start) is not None


def error_line(lines: Sequence[str]) -> str | None:
    """The last line that says what went wrong. An exception's own line is worth more than the start of its traceback."""
    found = [line for line in lines if is_error_line(line)]
    named = [line for line in found if _EXCEPTION.match(line[:LOOKED_AT])]
    best = named or found
    return best[-1] if best else None


def group_by_error(tails: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Names of runs by the error that their logs end with, the most frequent first; numbers do not tell errors apart.

    Runs without such a line are under the empty text.
    """
    groups: defaultdict[str, list[str]] = defaultdict(list)
    shown: dict[str, str] = {}
    for name, lines in tails.items():
        line = (error_line(lines) or "")[:SHOWN]
        kind = _NUMBERS.sub("#", line)
        shown.setdefault(kind, line)
        groups[kind].append(name)
    return {shown[kind]: names for kind, names in _by_size(groups)}


def _by_size(groups: Mapping[str, list[str]]) -> Iterable[tuple[str, list[str]]]:
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
