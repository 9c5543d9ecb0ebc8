"""All cases of a table at once, on all cores."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

__all__ = ["measure_all", "run_all"]

Key = TypeVar("Key")
Item = TypeVar("Item")
Value = TypeVar("Value")


def measure_all(work: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]:
    """``work`` of each item, in their order."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, items, chunksize=2))


def run_all(
    work: Callable[[Item], Value], cases: dict[Key, list[Item]], *, longest_first: Callable[[Item], float]
) -> dict[Key, list[Value]]:
    """The same by key. Long cases start first, so that no core works alone at the end."""
    flat = sorted(
        ((key, case) for key, group in cases.items() for case in group), key=lambda item: -longest_first(item[1])
    )
    results: dict[Key, list[Value]] = {key: [] for key in cases}
    values = measure_all(work, [case for _, case in flat])
    for (key, _), value in zip(flat, values, strict=True):
        results[key].append(value)
    return results
