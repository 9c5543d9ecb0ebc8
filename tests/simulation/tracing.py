"""The trace of a history. Its text is made only where somebody reads it, which takes a twentieth of the time otherwise."""

from collections.abc import Callable, Iterable

__all__ = ["Entry", "Trace", "text_of"]

Entry = str | tuple[str | float | bytes | int, ...]
"""A line, or a format with ``%`` and its values."""
Trace = Callable[[Entry], None]


def text_of(entries: Iterable[Entry]) -> str:
    return "\n".join(entry if isinstance(entry, str) else str(entry[0]) % entry[1:] for entry in entries)
