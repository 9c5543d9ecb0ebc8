"""``batchrun report``: what it writes, where, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.report.html.page import MARKER
from tests.cli.conftest import KEY, Run
from tests.report.batches import BATCHES


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    (path,) = BATCHES["half way"](tmp_path)
    return path


def test_the_report_lies_beside_the_ledger(batchrun: Run, ledger: Path) -> None:
    done = batchrun("report", ledger)
    assert done.status == 0
    assert done.out.startswith(f"{ledger.parent}/one.report.html: 240 runs, 0.")
    assert (ledger.parent / "one.report.html").read_text().startswith(MARKER)


def test_json_says_what_was_written(batchrun: Run, ledger: Path) -> None:
    document = batchrun("report", ledger, "-o", "r.html", "--json").document
    assert document == {
        "ledgers": [str(ledger)],
        "output": "r.html",
        "runs": 240,
        "bytes": Path("r.html").stat().st_size,
    }


def test_title_and_console_are_in_the_page(batchrun: Run, ledger: Path) -> None:
    batchrun(
        "report", ledger, "-o", "r.html", "--title", "Autumn & <winter>", "--console-url", "https://c.example/{run_id}"
    )
    html = Path("r.html").read_text()
    assert "<h1>Autumn &amp; &lt;winter&gt;</h1>" in html
    assert 'href="https://c.example/' in html


def test_logs_give_each_reason_its_last_line(batchrun: Run, ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for year in (2021, 2022, 2023, 2024):
        for tile in range(20):
            (tmp_path / "logs" / f"ndvi-nyc-{year}-{tile}.log").write_text("ERROR: no such tile\n")
    batchrun("report", ledger, "-o", "r.html", "--logs", tmp_path / "logs")
    assert "ERROR: no such tile" in Path("r.html").read_text()


def test_several_ledgers_are_one_report(batchrun: Run, tmp_path: Path) -> None:
    shards = BATCHES["several ledgers"](tmp_path)
    assert batchrun("report", *shards, "-o", "r.html").out.startswith("r.html: 120 runs")


@pytest.mark.parametrize(
    ("words", "message", "status"),
    [
        (["-o", "one.ledger.jsonl"], "is the ledger itself; choose another name", 2),
        (["-o", "notes.txt"], "exists and is not a batchrun report; choose another name", 2),
        (["--console-url", "console.example.com"], "has no {run_id}", 2),
        (["--logs", "nowhere"], "--logs: nowhere is not a folder", 2),
        (["-o", "-", "--json"], "it is written to standard output", 2),
        (["missing.ledger.jsonl"], "missing.ledger.jsonl: ", 4),
    ],
)
def test_what_cannot_be_done_says_so(batchrun: Run, ledger: Path, words: list[str], message: str, status: int) -> None:
    Path("notes.txt").write_text("mine")
    before = ledger.read_bytes()
    ended = batchrun("report", ledger, *words)
    assert ended.status == status
    assert message in ended.err
    assert Path("notes.txt").read_text() == "mine"
    assert ledger.read_bytes() == before


def test_a_key_in_somebody_elses_ledger_is_masked(batchrun: Run, ledger: Path) -> None:
    ledger.write_text(ledger.read_text().replace("java.lang", KEY))
    batchrun("report", ledger, "-o", "r.html")
    assert KEY not in Path("r.html").read_text()
    assert "********" in Path("r.html").read_text()


def test_the_installed_command_reads_the_ledger_of_a_sweep(installed: Run, sweep: Path) -> None:
    assert installed("submit", sweep, "--emulator", "--yes").status == 0
    assert installed("report", sweep, "--emulator").status == 0
    html = sweep.with_name("jobs.emulator.report.html").read_text()
    assert "12 of 12 runs created; none is known to have ended." in html


@pytest.fixture
def quick_server() -> Iterator[EmulatorServer]:
    """Its runs have ended a moment after they were created, and cost what they cost at once."""
    settings = EmulatorSettings(api_key=KEY, startup_s=0.0, run_s=0.01, billing_delay_s=0.0)
    with EmulatorServer(settings) as running:
        yield running


def test_refresh_asks_the_service_once(
    batchrun: Run, sweep: Path, quick_server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHEROBOTS_API_BASE_URL", quick_server.url)
    assert batchrun("submit", sweep, "--yes").status == 0
    assert batchrun("report", sweep, "-o", "before.html").status == 0
    assert "12 of 12 runs created; none is known to have ended." in Path("before.html").read_text()
    ended = batchrun("report", sweep, "-o", "after.html", "--refresh")
    assert (ended.status, ended.err) == (0, "")
    html = Path("after.html").read_text()
    assert "All 12 runs completed." in html
    assert "Spatial units" in html


def test_refresh_asks_no_other_service_than_the_ledgers(batchrun: Run, ledger: Path) -> None:
    ended = batchrun("report", ledger, "--refresh", "--base-url", "http://127.0.0.1:9", "-o", "r.html")
    assert ended.status == 4
    assert "was submitted to https://api.cloud.wherobots.com, not to http://127.0.0.1:9" in ended.err
    assert not Path("r.html").exists()


def test_a_dash_prints_the_page(installed: Run, ledger: Path) -> None:
    ended = installed("report", ledger, "-o", "-")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(MARKER)
    assert ended.out.endswith("</html>")
