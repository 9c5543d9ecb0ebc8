"""The last error line, from a folder of logs that may hold anything."""

from pathlib import Path

import pytest

from batchrun.errors import UsageError
from batchrun.report.html.saved_logs import TAIL_BYTES, last_error_in
from tests.report.rows import row

TRACE = "Traceback (most recent call last):\n  File 'job.py'\nValueError: bad tile\nshutting down\n"


def test_the_error_at_the_end_of_a_log_is_found(tmp_path: Path) -> None:
    (tmp_path / "run-b.log").write_text("INFO begin\n" * TAIL_BYTES + TRACE)
    assert last_error_in(tmp_path)([row("a", "FAILED"), row("b", "FAILED")]) == "ValueError: bad tile"


def test_a_later_generation_has_a_log_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "run-a.log").write_text("ValueError: first\n")
    (tmp_path / "run-a-r2.log").write_text("KeyError: second\n")
    assert last_error_in(tmp_path)([row("a", "FAILED", generation=2)]) == "KeyError: second"


def test_without_logs_there_is_no_line(tmp_path: Path) -> None:
    (tmp_path / "run-b.log").write_bytes(b"\xff\xfe all was well\n")
    (tmp_path / "run-c.log").mkdir()
    assert last_error_in(tmp_path)([row(key, "FAILED") for key in "abc"]) is None


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a\x00b", "x" * 300])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.log").write_text("ValueError: not yours\n")
    (tmp_path / "logs").mkdir()
    named = row("a", "FAILED")
    object.__setattr__(named, "name", name)
    assert last_error_in(tmp_path / "logs")([named]) is None


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder; pass the folder that batchrun logs --save wrote"):
        last_error_in(tmp_path / "nowhere")
