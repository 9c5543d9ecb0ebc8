"""Markdown tables, printed row by row."""

from collections.abc import Sequence

__all__ = ["head", "row"]


def head(cells: Sequence[str]) -> None:
    row(cells)
    row(["---"] * len(cells))


def row(cells: Sequence[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)
