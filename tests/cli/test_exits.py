"""Exit statuses, and how errors are printed."""

import json

import pytest

from batchrun.cli.exits import ExitStatus, show_problems, status_of
from batchrun.errors import (
    ApiError,
    BatchrunError,
    LedgerDamagedError,
    LedgerHeldError,
    LedgerMismatchError,
    ManifestError,
    Problem,
    SettingsError,
    Trouble,
    UsageError,
)

PROBLEM = Problem("place", "fact", "fix")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("place", "fact"), 2),
        (ManifestError([PROBLEM]), 2),
        (SettingsError("place", "fact"), 2),
        (ApiError("place", "fact", trouble=Trouble(status=401)), 3),
        (LedgerHeldError("place", "fact"), 4),
        (LedgerDamagedError("place", "fact"), 4),
        (LedgerMismatchError("place", "fact"), 4),
    ],
)
def test_each_kind_of_error_has_its_exit_status(error: BatchrunError, status: int) -> None:
    assert status_of(error) == status


def test_signals_exit_as_shells_expect() -> None:
    assert (ExitStatus.INTERRUPTED, ExitStatus.TERMINATED) == (128 + 2, 128 + 15)


def test_every_problem_is_a_line_of_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    show_problems([PROBLEM, Problem("other", "fact")], ExitStatus.USAGE, as_json=False)
    printed = capsys.readouterr()
    assert printed.err == "error: place: fact; fix\nerror: other: fact\n"
    assert printed.out == ""


def test_with_json_all_problems_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    show_problems(iter([PROBLEM]), ExitStatus.LEDGER, as_json=True)
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "problems": [{"place": "place", "fact": "fact", "fix": "fix"}],
        "exit_status": 4,
    }
    assert printed.err == "error: place: fact; fix\n"


def test_problems_hold_neither_escape_codes_nor_the_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHEROBOTS_API_KEY", "wbk-0123456789")
    show_problems([Problem("\x1b[31m", "wbk-0123456789")], ExitStatus.USAGE, as_json=True)
    printed = capsys.readouterr()
    assert "\x1b" not in printed.err + printed.out
    assert "wbk-0123456789" not in printed.err + printed.out
