r"""``{{name:format}}``: parsed once and rendered in one pass; substituted text is never parsed again.

Two braces, because JSON, Hadoop globs, ``${spark.x}`` and ``\d{4}`` all use single ones, and none of them needs escaping here.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from batchrun.sweep.manifest.problems import Cursor

__all__ = ["Placeholder", "Template", "parse_template"]

# An axis and a field at most: no arithmetic, filters or nesting, which would be a second language to learn and to escape.
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLACEHOLDER = re.compile(rf"\{{\{{\s*({_NAME}(?:\.{_NAME})?)\s*(?::([^{{}}]*))?\}}\}}")
# {{"{{"}} and {{"}}"}} stand for the braces themselves.
_LITERAL = re.compile(r'\{\{\s*"(\{\{|\}\})"\s*\}\}')
# {name}, but not ${name}, which is Spark's and the shell's.
_SINGLE = re.compile(rf"(?<![{{$])\{{({_NAME}(?:\.{_NAME})?)\}}(?!\}})")
_OPENING = re.compile(r"\{\{")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``{{name}}`` or ``{{name:format}}``."""

    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Text and placeholders in turn, and the place in the manifest that they come from."""

    at: Cursor
    parts: tuple[str | Placeholder, ...]

    @property
    def sole(self) -> Placeholder | None:
        """The placeholder that is the whole template, if there is one: such a template keeps its value's type."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Placeholder) and not self.parts[0].format:
            return self.parts[0]
        return None


def parse_template(text: str, at: Cursor, known: Collection[str]) -> Template:
    """Parse a template; a known name in single braces is reported, as two were surely meant."""
    parts: list[str | Placeholder] = []
    position = 0
    for opening in _OPENING.finditer(text):
        if opening.start() < position:  # within what was parsed already, such as {{"{{"}}
            continue
        parts += _text(text[position : opening.start()], at, known)
        part, position = _braces(text, opening.start(), at)
        parts += [part] if part is not None else []
    parts += _text(text[position:], at, known)
    return Template(at, tuple(parts))


def _braces(text: str, start: int, at: Cursor) -> tuple[str | Placeholder | None, int]:
    """What two braces at ``start`` begin, and the position after it."""
    if literal := _LITERAL.match(text, start):
        return literal[1], literal.end()
    if found := _PLACEHOLDER.match(text, start):
        return Placeholder(found[1], (found[2] or "").strip()), found.end()
    end = text.find("}}", start)
    stop = len(text) if end < 0 else end + 2
    at.add(f"'{text[start:stop]}' is not a placeholder", "write {{name}} or {{name:format}}")
    return None, stop


def _text(text: str, at: Cursor, known: Collection[str]) -> list[str]:
    for single in _SINGLE.finditer(text):
        if single[1] in known:
            at.add(f"'{{{single[1]}}}' in single braces", f"did you mean {{{{{single[1]}}}}}?")
    return [text] if text else []
