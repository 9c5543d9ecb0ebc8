"""The line number of each key in a manifest."""

import re
from collections.abc import Iterator

__all__ = ["Lines"]

# Neither pattern has two neighbors that match the same blanks: with those, a line of 4,000 blanks took half a minute.
_HEADER = re.compile(r"^\s*(\[\[?)([^\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_ELEMENT = re.compile(r"\[(\d+)\]")


class Lines:
    """The line numbers of a manifest's tables and keys.

    ``tomllib`` keeps no positions, so the text is scanned for headers and keys. Within multi-line values and inline tables
    the nearest key above is good enough for a message.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        for number, path in _paths(text):
            self._lines.setdefault(path, number)  # the first; a second one is an error of TOML's

    def of(self, place: str) -> int | None:
        """The line of a place such as ``run.args[3]`` or ``exclude #2: res``, or of its nearest parent that has one.

        An element may be a table of its own: ``run.dependencies[0]`` is the first ``[[run.dependencies]]``.
        """
        path = place.replace(": ", ".")
        while path:
            table = _ELEMENT.sub(lambda found: f" #{int(found[1]) + 1}", path)
            for known in (table, _ELEMENT.sub("", path)):
                if known in self._lines:
                    return self._lines[known]
            path = path.rpartition(".")[0]
        return None


def _paths(text: str) -> Iterator[tuple[int, str]]:
    """Each header and key with its line; the entries of an array of tables are numbered as in messages."""
    table, counts = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _unquoted(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, 0) + 1
                table = f"{table} #{counts[table]}"
            yield number, table
        elif key := _KEY.match(line):
            name = _unquoted(key[1])
            yield number, f"{table}.{name}" if table else name


def _unquoted(dotted: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in dotted.split("."))
