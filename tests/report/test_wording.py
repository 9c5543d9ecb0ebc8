"""Numbers as people read them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.report.wording import amount, clock_span, percent, short_amount, short_span, time_span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (4.25, "4.3 s"), (48, "48 s"), (59.9, "1.0 min"), (210, "3.5 min"), (1_800, "30 min"),
     (5_400, "1.5 h"), (36_000, "10 h"), (86_400, "1.0 d"), (86_400 * 30, "30 d")],
)  # fmt: skip
def test_a_duration_fits_a_cell(seconds: float, text: str) -> None:
    assert short_span(seconds) == text


@given(st.floats(0, 86_400 * 900))
def test_no_duration_is_longer_than_its_cell(seconds: float) -> None:
    assert len(short_span(seconds)) <= 7


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (0.04, "0.04"), (3.25, "3.3"), (99.4, "99.4"), (148.2, "148"), (1_234, "1.2k"), (148_000, "148k"),
     (2.5e6, "2.5M"), (7e9, "7.0G")],
)  # fmt: skip
def test_an_amount_fits_a_cell(value: float, text: str) -> None:
    assert short_amount(value) == text


@given(st.floats(0, 9e11))
def test_no_amount_is_longer_than_its_cell(value: float) -> None:
    assert len(short_amount(value)) <= 5


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.001, "<1 %"), (0.125, "13 %"), (0.995, ">99 %"), (1, "100 %")]
)
def test_only_all_of_them_are_a_hundred_percent(share: float, text: str) -> None:
    assert percent(share).replace("\u00a0", " ") == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (4.4, "0:04"), (252, "4:12"), (3_753, "1:02:33")])
def test_a_duration_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock_span(seconds) == text


def test_amounts_name_their_currency_or_unit() -> None:
    assert amount(Decimal("1234.5"), "USD") == "USD 1,234.50"
    assert amount(Decimal(95), None) == "95.0 SU"
    assert amount(Decimal(1), "") == "1.00"


def test_a_span_within_a_day_names_the_day_once() -> None:
    morning = 1_795_507_200.0
    assert time_span(morning, morning + 6_780) == "2026-11-24 08:00 to 09:53 UTC"
    assert time_span(morning, morning + 86_400) == "2026-11-24 08:00 to 2026-11-25 08:00 UTC"
