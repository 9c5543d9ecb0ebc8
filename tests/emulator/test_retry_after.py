"""Every form of ``Retry-After``, by value."""

from email.utils import parsedate_to_datetime

import pytest

from batchrun.emulator.faults.retry_after import retry_after_header
from batchrun.wherobots.retry_after import MAX_RETRY_AFTER_S, retry_after_s

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("form", "expected"),
    [("none", {}), ("seconds", {"retry-after": "3"}), ("fraction", {"retry-after": "2.500"})],
)
def test_a_wait_is_written_in_the_configured_form(form: str, expected: dict[str, str]) -> None:
    assert retry_after_header(form, 2.5, 1, now=NOW) == expected  # type: ignore[arg-type] # parametrized


def test_a_date_is_by_the_servers_clock_and_never_earlier_than_the_wait() -> None:
    date = parsedate_to_datetime(retry_after_header("date", 2.5, 1, now=NOW)["retry-after"]).timestamp()
    assert date == NOW + 3


def test_mixed_cycles_through_the_forms_by_request_number() -> None:
    headers = [retry_after_header("mixed", 2.5, number, now=NOW).get("retry-after") for number in range(8)]
    assert headers[0::4] == ["3", "3"]
    assert headers[1::4] == ["2.500", "2.500"]
    assert all((value or "").endswith("GMT") for value in headers[2::4])
    assert headers[3::4] == [None, None]


def test_no_odd_value_makes_a_client_wait_longer_than_it_is_willing_to() -> None:
    values = [retry_after_header("odd", 2.5, number, now=NOW)["retry-after"] for number in range(8)]
    assert len(set(values)) == 8
    assert "" in values
    waits = [retry_after_s(value, now=NOW) for value in values]
    assert all(wait is None or 0 <= wait <= MAX_RETRY_AFTER_S for wait in waits)
