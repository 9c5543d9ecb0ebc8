"""``batchrun runs`` and ``batchrun status``: what a ledger says of its runs, and how to ask for a part of it."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from tests.cli.conftest import KEY, Ended, Run

FAILING = {"where": "--site lax", "share": 1, "message": "=SUM(1)"}


@pytest.fixture
def failing() -> Iterator[EmulatorServer]:
    settings = {"api_key": KEY, "startup_s": 0, "run_s": 0.1, "fail_where": [FAILING]}
    with EmulatorServer(EmulatorSettings.model_validate(settings)) as running:
        yield running


@pytest.fixture
def watched(batchrun: Run, sweep: Path, failing: EmulatorServer) -> Path:
    """The ledger of a sweep whose four runs of one site failed."""
    ended = batchrun("submit", sweep, "--base-url", failing.url, "--rate", "100", "-y", "-w", "-q")
    assert ended.status == 1, ended.err
    return sweep.with_name("jobs.ledger.jsonl")


def names(ended: Ended) -> list[str]:
    return [run["name"] for run in ended.document["runs"]]


@pytest.mark.slow
def test_runs_are_listed_selected_sorted_and_cut(batchrun: Run, watched: Path, sweep: Path) -> None:
    everything = batchrun("runs", sweep)
    assert everything.status == 0
    assert everything.out.splitlines()[0].split() == ["name", "status", "reason", "waited", "ran", "cost", "run_id"]
    assert len(everything.out.splitlines()) == 13
    failed = batchrun("runs", watched, "--status", "failed", "--where", "year=[2021, 2022]", "--json")
    assert names(failed) == ["job-lax-2021", "job-lax-2022"]
    assert failed.document["runs"][0]["reason"] == "=SUM(1)"
    assert (failed.document["total"], failed.document["found"]) == (12, 2)
    last = batchrun("runs", watched, "--sort", "-name", "--limit", "2", "--json")
    assert names(last) == ["job-ord-2024", "job-ord-2023"]
    named = batchrun("runs", watched, "--name", "job-nyc-*", "--name", "job-ord-2024", "--json")
    assert len(names(named)) == 5
    assert "4 of 12 runs match" in batchrun("runs", watched, "--status", "FAILED").out
    assert "2 of 12 runs" in batchrun("runs", watched, "--limit", "2").out
    assert "job-lax-2024  2024" in batchrun("runs", watched, "--columns", "name,year").out
    assert names(batchrun("runs", watched, watched, "--outcome", "submitted", "--json", "--limit", "1"))


@pytest.mark.slow
def test_csv_has_the_columns_asked_for_and_no_formulas(batchrun: Run, watched: Path) -> None:
    ended = batchrun("runs", watched, "--columns", "name,site,year,reason", "--where", "site=lax", "--csv")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert rows[0] == {"name": "job-lax-2021", "site": "lax", "year": "2021", "reason": "'=SUM(1)"}
    assert len(rows) == 4
    assert batchrun("runs", watched, "--csv", "--json").status == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--where", "siet=lax"), "unknown axis 'siet'; did you mean 'site'?"),
        (("--status", "fialed"), "unknown status 'fialed'; did you mean 'failed'?"),
        (("--outcome", "lost"), "unknown outcome 'lost'; use one of pending, submitted"),
        (("--columns", "nmae"), "unknown column 'nmae'; did you mean 'name'?"),
        (("--sort", "rann"), "unknown column 'rann'; did you mean 'ran'?"),
        (("--name", "job-lax-2020"), "no run with this name or id in this batch; did you mean 'job-lax-202"),
    ],
)
def test_what_is_unknown_is_named_with_a_suggestion(
    batchrun: Run, watched: Path, words: tuple[str, str], message: str
) -> None:
    ended = batchrun("runs", watched, *words)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err
    nothing = batchrun("runs", watched, "--where", "site=mars")
    assert (nothing.status, nothing.out) == (0, "none of the 12 runs matches\n")


@pytest.mark.slow
def test_refresh_asks_the_service_once(batchrun: Run, sweep: Path, failing: EmulatorServer) -> None:
    batchrun("submit", sweep, "--base-url", failing.url, "--rate", "100", "-y", "-q")
    assert names(batchrun("runs", sweep, "--status", "failed", "--json")) == []
    for _ in range(20):  # until the last has ended, a tenth of a second after its start
        ended = batchrun("runs", sweep, "--refresh", "--base-url", failing.url, "--status", "failed", "--json")
        if len(names(ended)) == 4:
            break
    assert len(names(ended)) == 4
    assert len(names(batchrun("runs", sweep, "--status", "failed", "--json"))) == 4


def test_a_ledger_without_runs_says_what_to_do(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    batchrun("submit", sweep, "--base-url", server.url, "-y", "-q")
    ledger = sweep.with_name("jobs.ledger.jsonl")
    ledger.write_text(ledger.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    ended = batchrun("runs", ledger)
    assert ended.status == 0
    assert f"no run of this batch has been sent yet; send them: batchrun resume {ledger}" in ended.err


@pytest.mark.slow
def test_status_counts_by_axes_and_says_what_stands_out(batchrun: Run, watched: Path) -> None:
    ended = batchrun("status", watched, "--by", "site", "--json")
    cells = {cell["values"]["site"]: cell["groups"] for cell in ended.document["by"]["cells"]}
    assert cells == {"lax": {"failed": 4}, "nyc": {"completed": 4}, "ord": {"completed": 4}}
    assert [(group["runs"], group["message"]) for group in ended.document["failures"]] == [(4, "=SUM(1)")]
    both = batchrun("status", watched, "--by", "site,year")
    assert "site \\ year" in both.out
    assert "0/1 !1" in both.out
    wrong = batchrun("status", watched, "--by", "stie")
    assert (wrong.status, wrong.out) == (2, "")
    assert "--by: unknown axis 'stie'; did you mean 'site'?" in wrong.err


@pytest.mark.slow
def test_status_takes_several_ledgers_or_those_of_the_folder(batchrun: Run, watched: Path, sweep: Path) -> None:
    other = watched.with_name("other.ledger.jsonl")
    other.write_bytes(watched.read_bytes())
    both = batchrun("status", sweep, other, "--by", "site", "--json")
    assert [one["ledger"] for one in both.document["batches"]] == [str(watched), str(other)]
    assert both.document["by"]["total"]["runs"] == 24
    listed = batchrun("status")
    assert [line.split()[:4] for line in listed.out.splitlines()[1:]] == [
        ["jobs.ledger.jsonl", "12", "8", "4"],
        ["other.ledger.jsonl", "12", "8", "4"],
        ["all", "24", "16", "8"],
    ]
    watched.with_name("broken.ledger.jsonl").write_text("no ledger\n", "utf-8")
    broken = batchrun("status", "--json")
    assert (broken.status, len(broken.document["batches"]), len(broken.document["unreadable"])) == (0, 2, 1)


def test_status_in_a_folder_without_ledgers_says_how_to_get_one(batchrun: Run) -> None:
    ended = batchrun("status")
    assert ended.status == 0
    assert "no ledger in this folder" in ended.out
    assert batchrun("status", "--by", "x").status == 2
    assert json.loads(batchrun("status", "--json").out) == {"batches": [], "unreadable": []}
