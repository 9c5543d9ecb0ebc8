"""Amounts as the service sends them, to the last digit."""

from decimal import Decimal

import pytest

from batchrun.wherobots.amounts import EXACT, decimal_of, decimal_text


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.50", "1.50"), (" 0.000001 ", "0.000001"), (3, "3"), (0.1, "0.1"), ("-2", "-2"), ("1E+2", "1E+2"),
     ("9" * 40, "9" * 40), ("9" * 41, None), (10**41, None),
     (True, None), (None, None), ([1], None), ("", None), ("1,5", None), ("NaN", None), (float("inf"), None)],
)  # fmt: skip
def test_a_finite_decimal_keeps_its_digits_and_anything_else_is_none(value: object, text: str | None) -> None:
    assert decimal_text(value) == text


@pytest.mark.parametrize("text", [None, "", "abc", "NaN", "-Infinity", "1,5"])
def test_what_is_no_number_is_none(text: str | None) -> None:
    assert decimal_of(text) is None


def test_a_number_is_read_exactly() -> None:
    assert str(decimal_of("1.50")) == "1.50"


def test_a_sum_keeps_a_micro_cent_beside_a_fortune() -> None:
    fortune, cent = Decimal("9" * 38), Decimal("0.00000001")
    assert fortune + cent == Decimal(10) ** 38  # in Python's default context
    assert EXACT.subtract(EXACT.add(fortune, cent), fortune) == cent
