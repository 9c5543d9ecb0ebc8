"""TOML text to tables, and the flags that override them."""

import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batchrun.errors import ManifestError, Problem
from batchrun.sweep.manifest.problems import Cursor
from batchrun.sweep.values import TypedFloat

__all__ = ["MOST_BYTES", "MOST_DATA_BYTES", "Overrides", "decoded", "parse_toml", "read_text", "split_pair"]

MOST_BYTES = 16 << 20
"""Of a manifest; a larger file is something else."""
MOST_DATA_BYTES = 1 << 30
"""A data file is read as a whole; a larger one holds no list of points."""
DEEPEST = 50
"""Levels of tables and arrays; a manifest needs five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line overrides in a manifest. Stored in the ledger, so that a resume builds the same plan."""

    set: tuple[str, ...] = ()
    """``run.runtime=large``: the type comes from the key, never from the value."""
    axis: tuple[str, ...] = ()
    """``year=[2021]``: an axis source, in TOML."""
    where: tuple[str, ...] = ()
    """``region=us``: keep only the points that match."""
    sample: int | None = None
    seed: int | None = None
    max_points: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Only the flags that were given."""
        return {name: value for name, value in asdict(self).items() if value not in ((), None)}

    def flags(self) -> dict[str, str]:
        """The places of the manifest that the flags replace, each with its flag: what is wrong there is the flag's fault."""
        flags = {key: f"--set {key}" for text in self.set if (key := text.partition("=")[0].strip())}
        flags |= {f"axes.{name}": f"--axis {name}" for text in self.axis if (name := text.partition("=")[0].strip())}
        numbers = {"sample.count": ("--sample", self.sample), "sample.seed": ("--seed", self.seed)}
        numbers["submit.max_points"] = ("--max-points", self.max_points)
        return flags | {place: flag for place, (flag, number) in numbers.items() if number is not None}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Overrides":
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**known)


def read_text(path: Path) -> str:
    """A manifest's text.

    Raises:
        ManifestError: the file cannot be read, or is not UTF-8.

    """
    try:
        with path.open("rb") as file:  # not only regular files: a shell's <(...) is a pipe
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        problem = Problem(str(path), f"cannot be read: {error.strerror or error}", "pass the path of a sweep manifest")
        raise ManifestError([problem]) from None
    return decoded(data, str(path))


def decoded(data: bytes, place: str) -> str:
    """The text of a manifest, of which at most ``MOST_BYTES`` and one more were read.

    Raises:
        ManifestError: it is longer, or not UTF-8.

    """
    if len(data) > MOST_BYTES:
        fix = "pass a sweep manifest; points belong in a data file"
        raise ManifestError([Problem(place, f"more than {MOST_BYTES:,} bytes", fix)])
    try:
        # TOML knows no byte order mark, yet editors on Windows write one.
        return data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise ManifestError([Problem(place, f"byte {error.start} is not UTF-8", "save it as UTF-8")]) from None


def _is_deep(document: dict[str, Any]) -> bool:
    """Whether tables or arrays are nested deeper than any manifest needs; without recursion, which would end in an error."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def parse_toml(text: str, place: str) -> dict[str, Any]:
    """TOML as tables; floats remember their spelling.

    Raises:
        ManifestError: it is not TOML; the place is the line.

    """
    try:
        document = tomllib.loads(text, parse_float=TypedFloat.parse)
    # ValueError: a number of more digits than Python converts. RecursionError: deeply nested arrays.
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise ManifestError([_syntax_problem(str(error), text, place)]) from None
    if _is_deep(document):
        raise ManifestError([Problem(place, f"nested more than {DEEPEST} levels deep", "flatten it")])
    return document


def _syntax_problem(message: str, text: str, place: str) -> Problem:
    """The problem behind tomllib's message, which ends in ``(at line 3, column 7)``."""
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    where = f"{place}:{found[1]}" if found else place
    fact = re.sub(r"\s*\(at [^)]*\)$", "", message) or "not valid TOML"
    fact = fact[0].lower() + fact[1:]
    line = text.splitlines()[int(found[1]) - 1] if found and int(found[1]) <= len(text.splitlines()) else ""
    # spark.speculation = true beside spark.speculation.interval: common in Spark, impossible in TOML unless quoted.
    if re.search(r"overwrite|into an? immutable|namespace", fact) and re.match(r"\s*[\w.]+\s*=", line):
        return Problem(where, f"{fact}: a key is both a value and a table", "put quotes around both keys")
    return Problem(where, fact, "fix the TOML syntax")


def split_pair(text: str, flag: Cursor) -> tuple[str, str] | None:
    """The key and the value of a flag's ``KEY=VALUE``."""
    key, equals, value = text.partition("=")  # the first one: a value may contain others
    if not equals or not key.strip():
        flag.add(f"'{text}' is not KEY=VALUE", f"write {flag.path} KEY=VALUE")
        return None
    return key.strip(), value.strip()
