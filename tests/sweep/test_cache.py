from itertools import product

import pytest

from batchrun.sweep.points.axes import Axis
from batchrun.sweep.render.cache import cached
from batchrun.sweep.render.context import Binding, PointContext
from batchrun.sweep.values import Kind

AXES = [Axis(name, Kind.NUMBER, range(size)) for name, size in (("a", 2), ("b", 3), ("c", 4))]
POINTS = [
    PointContext(point, index, f"{index:010x}") for index, point in enumerate(product(range(2), range(3), range(4)))
]


@pytest.mark.parametrize(("axes", "calls"), [({0}, 2), ({2}, 4), ({0, 2}, 8), ({0, 1, 2}, 24), (set(), 1)])
def test_a_value_is_made_once_for_each_combination_that_it_depends_on(axes: set[int], calls: int) -> None:
    made: list[PointContext] = []

    def make(context: PointContext) -> str:
        made.append(context)
        return ",".join(str(context.point[axis]) for axis in sorted(axes))

    look_up = cached(Binding(frozenset(axes), make), make, AXES)
    found = [look_up(context) for context in POINTS]
    assert len(made) == calls
    assert found == [make(context) for context in POINTS]


def test_what_differs_for_every_run_is_not_kept() -> None:
    def make(context: PointContext) -> int:
        return context.index

    assert cached(Binding(frozenset({0}), make, is_per_run=True), make, AXES) is make
