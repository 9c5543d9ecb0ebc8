"""The context for rendering one point, and how its problems are raised."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from batchrun.sweep.manifest.problems import Cursor
from batchrun.sweep.values import Value

__all__ = ["NO_AXES", "Binding", "PointContext", "PointError", "constant", "remembered"]

NO_AXES = frozenset[int]()


class PointContext(msgspec.Struct, frozen=True, gc=False):
    """One point during rendering: its positions, its index in the plan, its hash."""

    point: tuple[int, ...]
    index: int
    hash: str


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name or a template is bound to: a value at each point, and the axes that it depends on."""

    axes: frozenset[int]
    value: Callable[[PointContext], Value]
    is_per_run: bool = False
    """True for ``index`` and ``hash``, which differ for every run."""
    is_secret: bool = False
    """True for what comes from the environment, which a run's name must not show."""


def constant(value: Value) -> Binding:
    """A binding to a value that is the same at all points."""
    return Binding(NO_AXES, lambda _: value)


def remembered(binding: Binding) -> Binding:
    """The same binding, evaluated once for each point: values that refer to values would else be made again and again."""
    seen: tuple[PointContext, Value] | None = None

    def value(context: PointContext) -> Value:
        nonlocal seen
        latest = seen  # read once: another thread may render another point
        if latest is None or latest[0] is not context:
            latest = seen = (context, binding.value(context))
        return latest[1]

    return replace(binding, value=value)


class PointError(Exception):
    """A point that cannot be rendered. Raised, not added: while rendering, one point must not stop the others' checks."""

    def __init__(self, at: Cursor, fact: str, fix: str = "") -> None:
        super().__init__(f"{at.path}: {fact}")
        self.at = at
        self.fact = fact
        self.fix = fix

    def report(self) -> None:
        """Add the problem where it occurred."""
        self.at.add(self.fact, self.fix)
