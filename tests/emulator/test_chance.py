"""Faults strike as often as asked, in the same way for the same seed."""

import pytest

from batchrun.emulator.chance import Fault, uniform


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others() -> None:
    first = [uniform(1, "x", number) for number in range(50)]
    assert first == [uniform(1, "x", number) for number in range(50)]
    assert first != [uniform(2, "x", number) for number in range(50)]
    assert all(0 <= value < 1 for value in first)


def test_a_fault_strikes_about_as_often_as_it_says() -> None:
    struck = sum(Fault(0.05).strikes(3, "conflict", number) for number in range(10_000))
    assert 400 < struck < 600


def test_a_schedule_bounds_the_requests() -> None:
    fault = Fault.of("1@3-5")
    assert [number for number in range(1, 9) if fault.strikes(0, "x", number)] == [3, 4, 5]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.25, Fault(0.25)),
        (1, Fault(1.0)),
        ("0.5", Fault(0.5)),
        ("0.5@10-", Fault(0.5, 10)),
        ("1@-7", Fault(1.0, None, 7)),
    ],
)
def test_a_fault_is_read_from_what_people_write(value: object, expected: Fault) -> None:
    assert Fault.of(value) == expected
    assert Fault.of(expected.text()) == expected


@pytest.mark.parametrize("value", ["often", "2", -0.1, True, "0.1@x-y"])
def test_what_is_no_share_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"probability|fault|could not"):
        Fault.of(value)
