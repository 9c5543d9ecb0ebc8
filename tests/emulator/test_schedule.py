"""Faults hit as often as configured, and the same requests for the same seed."""

import pytest

from batchrun.emulator.schedule import FaultSchedule, uniform


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others() -> None:
    first = [uniform(1, "x", number) for number in range(50)]
    assert first == [uniform(1, "x", number) for number in range(50)]
    assert first != [uniform(2, "x", number) for number in range(50)]
    assert all(0 <= value < 1 for value in first)


def test_a_fault_hits_about_as_often_as_configured() -> None:
    hits = sum(FaultSchedule(0.05).applies(3, "conflict", number) for number in range(10_000))
    assert 400 < hits < 600


def test_a_schedule_bounds_the_requests() -> None:
    fault = FaultSchedule.parse("1@3-5")
    assert [number for number in range(1, 9) if fault.applies(0, "x", number)] == [3, 4, 5]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.25, FaultSchedule(0.25)),
        (1, FaultSchedule(1.0)),
        ("0.5", FaultSchedule(0.5)),
        ("0.5@10-", FaultSchedule(0.5, 10)),
        ("1@-7", FaultSchedule(1.0, None, 7)),
    ],
)
def test_a_fault_is_parsed_from_numbers_and_text(value: object, expected: FaultSchedule) -> None:
    assert FaultSchedule.parse(value) == expected
    assert FaultSchedule.parse(expected.text()) == expected


@pytest.mark.parametrize("value", ["often", "2", -0.1, True, "0.1@x-y"])
def test_anything_but_a_probability_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"probability|fault|could not"):
        FaultSchedule.parse(value)
