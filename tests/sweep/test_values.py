import tomllib
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.sweep.values import Kind, TypedFloat, as_toml, canonical_value, is_text, kind_of, text_of

LOCAL = datetime(2024, 1, 31, 12)  # noqa: DTZ001 - a datetime without an offset is what is tested
SCALARS = st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.dates()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a", Kind.STRING),
        (True, Kind.BOOLEAN),
        (1, Kind.NUMBER),
        (1.5, Kind.NUMBER),
        (Decimal("1.5"), Kind.NUMBER),
        (date(2024, 1, 31), Kind.DATE),
        (LOCAL, Kind.LOCAL_DATETIME),
        (LOCAL.replace(tzinfo=UTC), Kind.DATETIME),
        ({"id": 1}, Kind.RECORD),
        (float("nan"), None),
        (float("-inf"), None),
        (Decimal("NaN"), None),
        (time(12), None),
        ([1], None),
        (None, None),
    ],
)
def test_a_value_has_one_kind_or_none(value: Any, kind: Kind | None) -> None:
    assert kind_of(value) is kind


def test_kinds_have_a_plural() -> None:
    assert [kind.plural for kind in (Kind.NUMBER, Kind.LOCAL_DATETIME)] == ["numbers", "datetimes without offset"]


@pytest.mark.parametrize(
    ("value", "text", "toml"),
    [
        ('a"b', 'a"b', r'"a\"b"'),
        (True, "true", "true"),
        (TypedFloat.parse("3.10"), "3.10", "3.10"),
        (TypedFloat.parse("1_0.50"), "10.50", "10.50"),
        (0.1, "0.1", "0.1"),
        (Decimal("1E+2"), "100", "100"),
        (date(2024, 1, 31), "2024-01-31", "2024-01-31"),
        (LOCAL.replace(tzinfo=UTC), "2024-01-31T12:00:00+00:00", "2024-01-31T12:00:00+00:00"),
    ],
)
def test_a_value_has_its_text_and_its_toml(value: Any, text: str, toml: str) -> None:
    assert (text_of(value), as_toml(value)) == (text, toml)


def test_tables_and_lists_are_shown_inline() -> None:
    assert as_toml({"id": "nyc", "res": [10, True]}) == '{id = "nyc", res = [10, true]}'


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,8})\.[0-9]{1,8}([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_a_float_keeps_its_spelling_and_its_value(spelling: str) -> None:
    value = TypedFloat.parse(spelling)
    assert (text_of(value), repr(value), float(value)) == (spelling, spelling, float(spelling))


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.integers() | st.booleans() | st.dates()))
def test_toml_of_a_record_is_read_back(record: dict[str, Any]) -> None:
    assert tomllib.loads(f"value = {as_toml(record)}")["value"] == record


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_equal_numbers_are_one_canonical_value(number: int) -> None:
    spellings = [number, float(number), TypedFloat.parse(f"{number}.00"), Decimal(number)]
    assert {(type(one), one) for one in map(canonical_value, spellings)} == {(int, number)}


@given(SCALARS)
def test_canonical_values_stay_as_they_are(value: Any) -> None:
    assert canonical_value(canonical_value(value)) == canonical_value(value)


def test_an_unpaired_surrogate_is_not_text() -> None:
    assert is_text("é😀")
    assert not is_text("a\udcff")
