"""On which line of a manifest each thing stands."""

import re
from collections.abc import Iterator

__all__ = ["Lines"]


class Lines:
    """On which line a key of a manifest stands, by a light look at its text."""

    _HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
    _KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        for number, path in self._paths(text):
            self._lines.setdefault(path, number)

    def of(self, place: str) -> int | None:
        """The line of a place such as ``run.args[3]`` or ``exclude #2: res``; its nearest parent's where it has none."""
        path = re.sub(r"\[\d+\]", "", place).replace(": ", ".")
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path.rpartition(".")[0]
        return None

    def _paths(self, text: str) -> Iterator[tuple[int, str]]:
        table, counts = "", dict[str, int]()
        for number, line in enumerate(text.splitlines(), 1):
            if header := self._HEADER.match(line):
                table = self._plain(header[2])
                if header[1] == "[[":
                    counts[table] = counts.get(table, 0) + 1
                    table = f"{table} #{counts[table]}"
                yield number, table
            elif key := self._KEY.match(line):
                name = self._plain(key[1])
                yield number, f"{table}.{name}" if table else name

    @staticmethod
    def _plain(dotted: str) -> str:
        return ".".join(part.strip().strip("\"'") for part in dotted.split("."))
