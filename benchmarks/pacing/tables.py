"""Tables as Markdown, a row as soon as it is known."""

from collections.abc import Sequence

__all__ = ["head", "row"]


def head(cells: Sequence[str]) -> None:
    row(cells)
    row(["---"] * len(cells))


def row(cells: Sequence[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)
