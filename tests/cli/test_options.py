"""How the values of options are parsed, and the command that resumes a batch."""

from pathlib import Path

import pytest

from batchrun.cli.moments import moment_from
from batchrun.cli.options import (
    count_or_share_from,
    resume_command,
    retry_from,
    seconds_from,
    settings_flags,
)
from batchrun.errors import UsageError
from batchrun.ledger.fold import Outcome


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("30", 30), ("0.5s", 0.5), ("5m", 300), ("2h", 7200), ("1 d", 86400)]
)
def test_a_duration_is_seconds_or_a_number_with_a_unit(text: str | None, seconds: float | None) -> None:
    assert seconds_from("--timeout", text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "5 weeks", "nan", "inf", "1e400"])
def test_anything_else_is_not_a_duration(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        seconds_from("--timeout", text)
    assert str(raised.value).startswith(f"--timeout: '{text}' is not a duration; use seconds, or a duration such as")


@pytest.mark.parametrize(
    ("text", "value"), [(None, None), ("25", 25), ("1", 1), ("5%", 0.05), (" 2.5% ", 0.025), ("99.9%", 0.999)]
)
def test_a_count_is_one_or_more_and_a_percentage_is_a_share_below_one(text: str | None, value: float | None) -> None:
    assert count_or_share_from("--stop-after-failures", text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "0", "-3", "2.5", "0%", "100%", "120%", "%", "5 %", "five", "1e3"])
def test_anything_else_is_not_a_count_or_a_percentage(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        count_or_share_from("--stop-after-failures", text)
    fix = "use a count such as 25 or a percentage such as 5%"
    assert str(raised.value) == f"--stop-after-failures: '{text}' is not a count or a percentage; {fix}"


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        (None, set()),
        ("", set()),
        ("failed", {Outcome.FAILED}),
        ("rejected,failed", {Outcome.REJECTED, Outcome.FAILED}),
        (" failed , rejected ,", {Outcome.REJECTED, Outcome.FAILED}),
    ],
)
def test_rejected_and_failed_runs_can_be_retried(text: str | None, outcomes: set[Outcome]) -> None:
    assert retry_from(text) == outcomes


@pytest.mark.parametrize("text", ["unknown", "pending", "submitted", "failed,all", "FAILED"])
def test_no_other_outcome_can_be_retried(text: str) -> None:
    with pytest.raises(UsageError, match=r"--retry: '\w+' cannot be retried; use rejected, failed or rejected,failed"):
        retry_from(text)


TYPED = {
    "rate": 5.0,
    "burst": None,
    "read_rate": 8.0,
    "concurrency": None,
    "max_active": None,
    "max_attempts": 3,
    "settle_after": "1m",
    "give_up_after": "2h",
    "stop_at_units": 40.0,
    "stop_after_failures": "5%",
}


def test_settings_hold_what_was_typed_in_their_own_units() -> None:
    assert settings_flags(TYPED) == {
        "rate": 5.0,
        "read_rate": 8.0,
        "max_attempts": 3,
        "settle_after_s": 60.0,
        "give_up_after_s": 7200.0,
        "stop_at_units": 40.0,
        "stop_after_failures": 0.05,
    }


def test_the_resume_command_repeats_the_flags_as_typed() -> None:
    assert resume_command(Path("a b.ledger.jsonl"), base_url="http://localhost:1", timeout=None, **TYPED) == (
        "batchrun", "resume", "a b.ledger.jsonl", "--base-url", "http://localhost:1", "--rate", "5.0",
        "--read-rate", "8.0", "--max-attempts", "3", "--settle-after", "1m", "--give-up-after", "2h",
        "--stop-at-units", "40.0", "--stop-after-failures", "5%",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("1970-01-02", 86_400.0),
        ("1970-01-01T01:00Z", 3600.0),
        ("1970-01-01 01:00", 3600.0),
        ("1970-01-01T01:00+01:00", 0.0),
        (" 19700102 ", 86_400.0),
        ("2h", 992_800.0),
        ("1.5d", 870_400.0),
    ],
)
def test_a_moment_is_a_date_a_time_or_how_long_ago(text: str | None, seconds: float | None) -> None:
    assert moment_from("--since", text, now_s=1_000_000.0) == seconds
