"""``batchrun resolve``: a person decides about runs that lists cannot settle."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.ledger.check import check
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_state
from tests.cli.conftest import KEY, Ended, Run
from tests.cli.service import configure, runs, times
from tests.cli.terminal import Terminal

Do = Callable[..., Ended]
LEDGER = "jobs.ledger.jsonl"


@pytest.fixture
def do(batchrun: Run, sweep: Path, server: EmulatorServer) -> Do:
    """Runs a command on the sweep against the service."""

    def run(command: str, *words: str | Path) -> Ended:
        return batchrun(command, sweep, *words, "--base-url", server.url)

    return run


@pytest.fixture
def unknown(do: Do, server: EmulatorServer) -> list[str]:
    """Every run exists, none of their answers arrived, and the service shows each with a masked argument."""
    configure(server, faults={"reset_after_commit": 1}, payload_rewrites=["mask_argument"])
    ended = do("submit", "--rate", "500", "--settle-after", "0.1s", "--quiet")
    assert ended.status == 1, ended.err
    configure(server, faults={"reset_after_commit": 0})
    return [run["name"] for run in runs(server)]


def outcomes(folder: Path) -> dict[Outcome, int]:
    return {outcome: count for outcome, count in read_state(folder / LEDGER).counts.items() if count}


def test_without_a_decision_it_shows_what_is_held_and_records_nothing(
    do: Do, server: EmulatorServer, unknown: list[str], tmp_path: Path
) -> None:
    before = (tmp_path / LEDGER).read_bytes()
    ended = do("resolve")
    assert ended.status == 0
    for run in runs(server):
        assert re.search(rf"{run['name']} +unknown +1 +{run['id']} .* differs: runPython.args\[\d\] is", ended.out)
    assert f"{len(unknown)} runs: {len(unknown)} with a run at the service whose payload differs" in ended.out
    assert "to resolve: batchrun resolve" in ended.out
    assert (tmp_path / LEDGER).read_bytes() == before


def test_the_held_runs_are_adopted_all_at_once(
    do: Do, unknown: list[str], server: EmulatorServer, tmp_path: Path
) -> None:
    ended = do("resolve", "--all-unknown", "--adopt-held", "--yes")
    assert ended.status == 0, ended.err
    assert f"adopted {len(unknown)} runs" in ended.out
    assert outcomes(tmp_path) == {Outcome.SUBMITTED: 12}
    assert {run.run_id for run in read_state(tmp_path / LEDGER).runs.values()} == {run["id"] for run in runs(server)}
    assert check(tmp_path / LEDGER).findings == []
    assert do("submit").out.startswith("jobs: nothing left to send")
    assert do("verify").status == 0


def test_one_run_is_adopted_by_its_id(do: Do, unknown: list[str], server: EmulatorServer, tmp_path: Path) -> None:
    del unknown
    first, second, *_ = runs(server)
    assert do("resolve", first["name"], "--adopt", first["id"], "--yes").status == 0
    assert outcomes(tmp_path) == {Outcome.SUBMITTED: 1, Outcome.UNKNOWN: 11}
    again = do("resolve", second["name"], "--adopt", first["id"], "--yes")
    assert again.status == 2
    assert f"{first['id']} is another planned run" in again.err
    named = do("resolve", runs(server)[2]["name"], "--adopt", second["id"], "--yes")
    assert f"{second['id']} is named '{second['name']}'" in named.err
    assert outcomes(tmp_path) == {Outcome.SUBMITTED: 1, Outcome.UNKNOWN: 11}


def test_an_id_that_is_none_is_refused(do: Do, unknown: list[str], tmp_path: Path) -> None:
    for run_id in ("nowhere", "../jobs", "a%2fb", "x" * 500, ""):
        ended = do("resolve", unknown[0], "--adopt", run_id, "--yes")
        assert ended.status == 2
        assert re.search(r"--adopt: (the service knows no run|'.*' is not a run id)", ended.err)
    assert outcomes(tmp_path) == {Outcome.UNKNOWN: 12}


def test_a_run_that_may_exist_is_sent_again_only_if_it_is_said_to_be_anothers(
    do: Do, unknown: list[str], server: EmulatorServer, tmp_path: Path
) -> None:
    name = unknown[0]
    refused = do("resolve", name, "--resend", "--yes")
    assert refused.status == 2
    assert "which may be this run; if it is sent again, it could exist twice" in refused.err
    ended = do("resolve", name, "--resend", "--not-ours", "--yes")
    assert ended.status == 0, ended.err
    assert "1 run is pending again; send with: batchrun resume" in ended.out
    assert outcomes(tmp_path) == {Outcome.UNKNOWN: 11, Outcome.PENDING: 1}
    assert do("submit", "--settle-after", "0.1s", "--quiet").status == 1
    assert [run["name"] for run in runs(server)].count(name) == 2
    assert outcomes(tmp_path) == {Outcome.UNKNOWN: 11, Outcome.SUBMITTED: 1}
    assert check(tmp_path / LEDGER).findings == []


def test_a_dropped_run_is_never_sent_and_can_come_back(do: Do, server: EmulatorServer, tmp_path: Path) -> None:
    configure(server, faults={"error_before_commit": 1})
    assert do("submit", "--max-attempts", "1", "--settle-after", "0.1s", "--rate", "500", "--quiet").status == 1
    configure(server, faults={"error_before_commit": 0})
    dropped = do("resolve", "job-lax-2021", "job-lax-2022", "--drop", "--yes")
    assert dropped.status == 0, dropped.err
    assert outcomes(tmp_path) == {Outcome.FAILED: 10, Outcome.DROPPED: 2}
    retried = do("submit", "--retry", "failed", "--settle-after", "0.1s", "--rate", "500", "--quiet")
    assert retried.status == 0, retried.err
    assert re.search(r"dropped +2\n", retried.out)
    assert len(runs(server)) == 10
    again = do("submit")
    assert (again.status, again.out) == (0, "jobs: nothing left to send: 10 submitted, 2 dropped\n")
    assert do("resolve", "job-lax-2021", "--resend", "--yes").status == 0
    assert do("submit", "--settle-after", "0.1s", "--quiet").status == 0
    assert len(runs(server)) == 11
    assert times(server) == {1}
    assert check(tmp_path / LEDGER).findings == []


UNCLEAR = [
    (["--drop"], "--drop: no runs were selected; pass names or keys, or --all-unknown"),
    (["job-nyc-2021", "--drop", "--resend"], "--drop: cannot be combined with --resend"),
    (["job-nyc-2021", "--all-unknown", "--drop"], "--all-unknown: cannot be combined with names or keys"),
    (["job-nyc-2021", "--drop", "--not-ours"], "--not-ours: only applies to --resend"),
    (["job-nyc-20"], "job-nyc-20: no run of this batch has this name or key; did you mean job-nyc-2024"),
    (["--all-unknown", "--adopt", "x1", "--yes"], "--adopt: adopts one run for one name, but 12 are selected"),
    (
        ["job-nyc-2021", "--drop"],
        "--yes: cannot ask 'Drop 1 run permanently?' without a terminal; pass --yes to confirm",
    ),
]


def test_what_is_not_clear_is_asked_for_and_nothing_recorded(do: Do, unknown: list[str], tmp_path: Path) -> None:
    del unknown
    for words, message in UNCLEAR:
        ended = do("resolve", *words)
        assert ended.status == 2
        assert f"error: {message}" in ended.err
    assert outcomes(tmp_path) == {Outcome.UNKNOWN: 12}


def test_every_wrong_name_is_reported_at_once(do: Do, unknown: list[str]) -> None:
    del unknown
    ended = do("resolve", "first", "second", "--drop", "--yes")
    assert [line.split(":")[1].strip() for line in ended.err.splitlines()] == ["first", "second"]


def test_a_ledger_that_is_being_written_is_left_to_its_writer(do: Do, unknown: list[str], tmp_path: Path) -> None:
    with FileLedger.open(tmp_path / LEDGER):
        assert do("resolve").status == 0  # looking needs no lock
        ended = do("resolve", unknown[0], "--drop", "--yes")
    assert ended.status == 4
    assert f"process {os.getpid()} is writing it" in ended.err
    assert outcomes(tmp_path) == {Outcome.UNKNOWN: 12}


@pytest.mark.parametrize("status", [403, 404])
def test_where_lists_are_refused_it_says_so_in_one_sentence(
    do: Do, unknown: list[str], server: EmulatorServer, tmp_path: Path, status: int
) -> None:
    configure(server, refused_calls={"list": status})
    ended = do("resolve", unknown[0])
    assert ended.status == 0
    assert ended.err.count("\n") == 1
    assert "the runs shown may be incomplete: the runs cannot be listed: HTTP" in ended.err
    assert do("resolve", unknown[0], "--drop", "--yes").status == 0
    assert outcomes(tmp_path)[Outcome.DROPPED] == 1


def test_another_organizations_key_is_refused(
    do: Do, unknown: list[str], server: EmulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(server, api_key=None, organizations={"other-key-0123456789": "another"})
    monkeypatch.setenv("WHEROBOTS_API_KEY", "other-key-0123456789")
    ended = do("resolve", unknown[0], "--resend", "--yes")
    assert ended.status == 4
    assert "the API key belongs to organization another, the batch to" in ended.err
    assert outcomes(tmp_path) == {Outcome.UNKNOWN: 12}


def test_another_service_is_not_asked(batchrun: Run, unknown: list[str], sweep: Path) -> None:
    del unknown
    ended = batchrun("resolve", sweep, "--base-url", "http://127.0.0.1:9")
    assert ended.status == 4
    assert "not to http://127.0.0.1:9; use --base-url" in ended.err


def test_json_holds_what_a_script_needs(do: Do, unknown: list[str], server: EmulatorServer) -> None:
    ended = do("resolve", unknown[0], "--drop", "--yes", "--json")
    (run,) = ended.document["runs"]
    assert (run["name"], run["outcome"], run["attempts"]) == (unknown[0], "unknown", 1)
    assert run["held"][0]["run_id"] == runs(server)[0]["id"]
    assert run["held"][0]["fit"] == "odd"
    assert run["held"][0]["differences"][0]["path"].startswith("runPython.args[")
    assert (ended.document["decision"], ended.document["recorded"]) == ("drop", 1)


def test_a_value_of_the_environment_is_not_shown(
    do: Do, sweep: Path, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep.write_text(sweep.read_text().replace('"--year", "{{year}}"]', '"--year", "{{year}}", "t={{env.TOKEN}}"]'))
    monkeypatch.setenv("TOKEN", "a-secret-value")
    configure(server, faults={"reset_after_commit": 1}, payload_rewrites=["uppercase_runtime"])
    assert do("submit", "--rate", "500", "--settle-after", "0.1s", "--quiet").status == 1
    monkeypatch.delenv("TOKEN")
    ended, document = do("resolve"), do("resolve", "--json")
    assert 'runtime is "TINY", planned "tiny"' in ended.out
    assert "a-secret-value" not in ended.out + ended.err + document.out + document.err


def test_on_a_terminal_it_asks(
    sweep: Path,
    server: EmulatorServer,
    unknown: list[str],
    terminals: list[Terminal],
    tmp_path: Path,
) -> None:
    for answer, status in (("n", 3), ("y", 0)):
        words = ("resolve", sweep, unknown[0], "--drop", "--base-url", server.url)
        terminal = Terminal(*words, cwd=tmp_path, WHEROBOTS_API_KEY=KEY)
        terminals.append(terminal)
        terminal.wait_for("Drop 1 run permanently? [y/N]")
        terminal.type(f"{answer}\n")
        assert terminal.wait() == status
    assert outcomes(tmp_path) == {Outcome.UNKNOWN: 11, Outcome.DROPPED: 1}


def test_an_emulators_runs_are_looked_up_in_the_emulator(batchrun: Run, sweep: Path) -> None:
    assert batchrun("submit", sweep, "--emulator", "--rate", "500", "--quiet").status == 0
    ledger = sweep.with_name("jobs.emulator.ledger.jsonl")
    assert batchrun("resolve", sweep, "--emulator").out == "no run of this batch is unknown\n"
    verified = batchrun("verify", sweep, "--emulator").out
    assert verified.endswith(f"{ledger}: 12 created runs checked, no findings\n")
    ledger.unlink()
    recovered = batchrun("recover", sweep, "--emulator", "--settle-after", "0.1s")
    assert recovered.status == 0, recovered.err
    assert "12 submitted, 0 pending, 0 unknown" in recovered.out
    assert batchrun("verify", sweep, "--emulator").status == 0
