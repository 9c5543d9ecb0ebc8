"""A report as a file: it appears whole, and nothing but an earlier report is overwritten."""

from pathlib import Path

import pytest

from batchrun.errors import LedgerFormatError, UsageError
from batchrun.report.html.write import Report, default_output, make_report, write_report
from tests.report.batches import BATCHES


@pytest.fixture
def made(tmp_path: Path) -> Report:
    return make_report(BATCHES["two runs"](tmp_path), console_url="https://console.example.com/runs/{run_id}")


def test_an_earlier_report_is_overwritten_and_any_other_file_is_not(made: Report, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert write_report(made, target) == target.stat().st_size
    assert write_report(made, target) == target.stat().st_size
    (tmp_path / "thesis.html").write_text("<!doctype html><p>mine")
    with pytest.raises(UsageError, match="exists and is not a batchrun report; choose another name"):
        write_report(made, tmp_path / "thesis.html")
    assert (tmp_path / "thesis.html").read_text() == "<!doctype html><p>mine"


@pytest.mark.parametrize("name", ["/dev/null", "missing/report.html", "."])
def test_what_cannot_be_a_file_is_an_error(made: Report, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"not a regular file|cannot be written"):
        write_report(made, tmp_path / name)


def test_run_ids_link_to_the_console_whose_address_is_given(made: Report) -> None:
    assert 'href="https://console.example.com/runs/' in made.html


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://console.example.com/", r"has no \{run_id\}"),
        ("javascript:alert('{run_id}')", "is not an http or https address"),
        ("/runs/{run_id}", "is not an http or https address"),
    ],
)
def test_an_address_that_is_none_is_an_error(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_report(BATCHES["one run"](tmp_path), console_url=url)


def test_a_file_that_is_no_ledger_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    with pytest.raises(LedgerFormatError):
        make_report([tmp_path / "notes.txt"])


@pytest.mark.parametrize(
    ("ledger", "report"),
    [("a/sweep.ledger.jsonl", "a/sweep.report.html"), ("batch.jsonl", "batch.report.html"), ("x", "x.report.html")],
)
def test_the_report_lies_beside_its_ledger(ledger: str, report: str) -> None:
    assert default_output(Path(ledger)) == Path(report)
