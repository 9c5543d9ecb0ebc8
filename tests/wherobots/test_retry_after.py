import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.wherobots.retry_after import MAX_RETRY_AFTER_S, retry_after_s

NOW = 1_795_000_000.0  # 2026-11-18T11:06:40Z


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("5", 5.0),
        ("5.2", 5.2),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("1e9", MAX_RETRY_AFTER_S),
        ("inf", MAX_RETRY_AFTER_S),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Wed, 18 Nov 2026 11:06:50 GMT", 10.0),
        ("Wed, 18 Nov 2026 11:06:30 GMT", 0.0),
        ("Wed, 18 Nov 2099 11:06:30 GMT", MAX_RETRY_AFTER_S),
        ("Wed, 99 Nov 2026 11:06:30 GMT", None),
    ],
)
def test_each_form_is_parsed_and_bounded(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, now=NOW) == seconds


@given(st.text())
def test_no_text_raises(value: str) -> None:
    seconds = retry_after_s(value, now=NOW)
    assert seconds is None or 0.0 <= seconds <= MAX_RETRY_AFTER_S
