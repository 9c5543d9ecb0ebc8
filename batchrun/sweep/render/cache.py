"""Values that depend on few axes, made once for each combination of those axes' values."""

from collections.abc import Callable
from typing import TypeVar

from batchrun.sweep.points.axes import Axis
from batchrun.sweep.render.context import Binding, PointContext

__all__ = ["cached"]

T = TypeVar("T")


def cached(binding: Binding, make: Callable[[PointContext], T], axes: list[Axis]) -> Callable[[PointContext], T]:
    """``make``, called once for each combination of the values that the binding depends on.

    The product may have a million points, but an axis seldom has more than a few thousand values. A list beats a dict
    for the usual case of one axis. Not for ``make`` that returns None.
    """
    if binding.is_per_run:
        return make
    if len(binding.axes) != 1:
        return _by_positions(tuple(sorted(binding.axes)), make)
    (axis,) = binding.axes
    made: list[T | None] = [None] * len(axes[axis].values)

    def look_up(context: PointContext) -> T:
        position = context.point[axis]
        if (value := made[position]) is None:
            value = made[position] = make(context)
        return value

    return look_up


def _by_positions(axes: tuple[int, ...], make: Callable[[PointContext], T]) -> Callable[[PointContext], T]:
    made: dict[tuple[int, ...], T] = {}

    def look_up(context: PointContext) -> T:
        # Of a list: a generator would cost more than the look-up, at every point.
        key = tuple([context.point[axis] for axis in axes])
        if (value := made.get(key)) is None:
            value = made[key] = make(context)
        return value

    return look_up
