"""``{{name:format}}``: parsed once, rendered in one pass; what was substituted is never read again."""

import re
from dataclasses import dataclass

from batchrun.sweep.manifest.problems import Problems

__all__ = ["Placeholder", "Template", "parse_template"]

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLACEHOLDER = re.compile(rf"\{{\{{\s*({_NAME}(?:\.{_NAME})?)\s*(?::([^{{}}]*))?\}}\}}")
_LITERAL = re.compile(r'\{\{\s*"(\{\{|\}\})"\s*\}\}')
_SINGLE = re.compile(rf"(?<![{{$])\{{({_NAME}(?:\.{_NAME})?)\}}(?!\}})")
_OPENING = re.compile(r"\{\{")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``{{name}}`` or ``{{name:format}}``; a format that is empty is none."""

    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Text and placeholders in turn, and where in the manifest they stand."""

    place: str
    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    @property
    def sole(self) -> Placeholder | None:
        """The one placeholder that is the whole template; such a template keeps its value's type."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Placeholder) and not self.parts[0].format:
            return self.parts[0]
        return None


def parse_template(text: str, place: str, known: set[str], problems: Problems) -> Template:
    """A template from its text; ``known`` are the names that may stand in it, for ``{name}`` in single braces."""
    parts: list[str | Placeholder] = []
    at = 0
    for opening in _OPENING.finditer(text):
        if opening.start() < at:
            continue
        _add_text(parts, text[at : opening.start()], place, known, problems)
        at = _read(text, opening.start(), place, parts, problems)
    _add_text(parts, text[at:], place, known, problems)
    return Template(place, tuple(parts))


def _read(text: str, start: int, place: str, parts: list[str | Placeholder], problems: Problems) -> int:
    """Read what begins with two braces at ``start``; the position behind it."""
    if literal := _LITERAL.match(text, start):
        parts.append(literal[1])
        return literal.end()
    if found := _PLACEHOLDER.match(text, start):
        parts.append(Placeholder(found[1], (found[2] or "").strip()))
        return found.end()
    end = text.find("}}", start)
    stop = len(text) if end < 0 else end + 2
    fact = f"'{text[start:stop]}' is not a placeholder"
    problems.add(place, fact, "write {{name}} or {{name:format}}")
    return stop


def _add_text(parts: list[str | Placeholder], text: str, place: str, known: set[str], problems: Problems) -> None:
    for single in _SINGLE.finditer(text):
        if single[1] in known:
            problems.add(place, f"'{{{single[1]}}}' in single braces", f"did you mean {{{{{single[1]}}}}}?")
    if text:
        parts.append(text)
