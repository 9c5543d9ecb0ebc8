"""Values at a point: made once, and a point that cannot be rendered."""

from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.render.context import NO_AXES, Binding, PointContext, PointError, constant, remembered
from tests.sweep.conftest import reported

HERE, THERE = PointContext((0,), 0, "a"), PointContext((0,), 1, "b")


def test_a_constant_depends_on_nothing() -> None:
    binding = constant(7)
    assert (binding.value(HERE), binding.axes, binding.is_per_run) == (7, NO_AXES, False)


def test_what_is_remembered_is_made_once_for_a_point_and_anew_for_the_next() -> None:
    made: list[int] = []

    def make(context: PointContext) -> int:
        made.append(context.index)
        return len(made)

    binding = remembered(Binding(NO_AXES, make, is_per_run=True, is_secret=True))
    assert [binding.value(context) for context in (HERE, HERE, THERE, THERE, HERE)] == [1, 1, 2, 2, 3]
    assert made == [0, 1, 0]
    assert (binding.is_per_run, binding.is_secret) == (True, True)


def test_a_value_of_none_is_remembered_too() -> None:
    made: list[PointContext] = []
    binding = remembered(Binding(NO_AXES, made.append))
    assert [binding.value(HERE), binding.value(HERE)] == [None, None]
    assert made == [HERE]


def test_a_point_that_cannot_be_rendered_is_reported_where_it_occurred() -> None:
    problems = Problems()
    error = PointError(problems.at("run.timeout"), "0 is too short", "use a second")
    assert reported(problems) == []  # raised, not added
    error.report()
    error.report()
    assert reported(problems) == ["run.timeout: 0 is too short; use a second"]
