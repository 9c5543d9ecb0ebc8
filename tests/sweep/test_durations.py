import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.sweep.manifest.durations import seconds_of


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0.0),
        (90, 90.0),
        (1.5, 1.5),
        ("90", 90.0),
        ("90s", 90.0),
        (" 30 m ", 1800.0),
        ("2h", 7200.0),
        ("1.5d", 129_600.0),
        (True, None),
        (-1, None),
        ("-1s", None),
        ("2 hours", None),
        ("1h30m", None),
        ("", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        ("9" * 400 + "d", None),
        (None, None),
        (["90s"], None),
    ],
)
def test_a_duration_is_seconds_or_a_number_with_a_unit(value: object, seconds: float | None) -> None:
    assert seconds_of(value) == seconds


@given(st.integers(0, 10**6), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]))
def test_a_unit_multiplies(number: int, unit: tuple[str, int]) -> None:
    name, seconds = unit
    assert seconds_of(f"{number}{name}") == number * seconds
