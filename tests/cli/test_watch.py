"""Following runs from the command line: a line a change, exit statuses, and what is said where there is nothing to do."""

import json
import os
import signal
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_state
from tests.cli.conftest import KEY, Ended, Run
from tests.cli.terminal import COMMAND

QUICK: dict[str, Any] = {"api_key": KEY, "startup_s": 0.2, "run_s": 0.6, "run_spread": 0.3}
FAILING = {"where": "--site lax", "share": 1, "message": "no data"}


@pytest.fixture
def quick() -> Iterator[EmulatorServer]:
    with EmulatorServer(EmulatorSettings.model_validate(QUICK)) as running:
        yield running


@pytest.fixture
def failing() -> Iterator[EmulatorServer]:
    with EmulatorServer(EmulatorSettings.model_validate({**QUICK, "fail_where": [FAILING]})) as running:
        yield running


def submit(batchrun: Run, sweep: Path, server: EmulatorServer, *words: str) -> Ended:
    return batchrun("submit", sweep, "--base-url", server.url, "--rate", "100", "-y", *words)


def watch(batchrun: Run, sweep: Path, server: EmulatorServer, *words: str) -> Ended:
    return batchrun("watch", sweep, "--base-url", server.url, *words)


def lines(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


@pytest.mark.slow
def test_every_change_is_a_line_and_the_ledger_has_it(batchrun: Run, sweep: Path, quick: EmulatorServer) -> None:
    submit(batchrun, sweep, quick)
    ended = watch(batchrun, sweep, quick)
    assert ended.status == 0
    assert len([line for line in ended.err.splitlines() if "-> COMPLETED after" in line]) == 12
    assert "COMPLETED    12" in ended.out
    statuses = [run.status for run in read_state(sweep.with_name("jobs.ledger.jsonl")).runs.values()]
    assert statuses == ["COMPLETED"] * 12
    again = watch(batchrun, sweep, quick)
    assert (again.status, again.err) == (0, "")
    assert batchrun("ledger", "check", sweep).status == 0


@pytest.mark.slow
def test_json_is_a_line_for_each_change_and_one_for_the_end(
    batchrun: Run, sweep: Path, failing: EmulatorServer
) -> None:
    submit(batchrun, sweep, failing)
    ended = watch(batchrun, sweep, failing, "--json")
    *changes, end = lines(ended)
    assert ended.status == end["exit_status"] == 1
    assert Counter(change["status"] for change in changes if change["status"] != "RUNNING") == {
        "COMPLETED": 8, "FAILED": 4,
    }  # fmt: skip
    assert end["reason"] == "all_ended"
    assert end["counts"] == {"COMPLETED": 8, "FAILED": 4}
    assert end["failures"][0]["message"] == "no data"
    assert [(group["runs"], group["examples"]) for group in end["failures"]] == [
        (4, ["job-lax-2021", "job-lax-2022", "job-lax-2023"])
    ]


@pytest.mark.slow
def test_it_can_end_at_the_first_failure_or_after_a_time(batchrun: Run, sweep: Path, failing: EmulatorServer) -> None:
    submit(batchrun, sweep, failing)
    late = watch(batchrun, sweep, failing, "--timeout", "0.1s", "--json")
    assert (late.status, lines(late)[-1]["reason"]) == (3, "timeout")
    assert "timed out with 12 runs still active" in late.err
    first = watch(batchrun, sweep, failing, "--until", "first-failure", "--json", "--quiet")
    assert (first.status, lines(first)[-1]["reason"]) == (1, "first_failure")
    assert lines(first)[-1]["counts"].get("FAILED", 0) >= 1
    again = watch(batchrun, sweep, failing, "--until", "first-failure", "--json", "--quiet")
    assert [line["event"] for line in lines(again)] == ["end"]  # the ledger has a failure already
    assert (again.status, lines(again)[-1]["reason"]) == (1, "first_failure")


@pytest.mark.slow
def test_submit_can_go_on_to_follow_the_runs(batchrun: Run, sweep: Path, failing: EmulatorServer) -> None:
    ended = submit(batchrun, sweep, failing, "--watch", "--json", "--max-active", "4")
    assert ended.status == 1
    document = ended.document
    assert document["outcomes"]["submitted"] == 12
    assert document["watch"]["counts"] == {"COMPLETED": 8, "FAILED": 4}
    assert document["exit_status"] == 1
    assert "-> FAILED after" in ended.err
    again = submit(batchrun, sweep, failing, "-w")
    assert again.status == 1
    assert "FAILED" in again.out


@pytest.mark.slow
def test_an_emulator_in_this_process_can_be_watched_later(batchrun: Run, sweep: Path) -> None:
    assert batchrun("submit", sweep, "--emulator", "-y", "--rate", "100").status == 0
    ended = batchrun("watch", sweep, "--emulator", "--timeout", "1s", "--json")
    assert (ended.status, lines(ended)[-1]["active"]) == (3, 12)


@pytest.mark.slow
def test_ctrl_c_leaves_the_runs_alone(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    submit(batchrun, sweep, server)
    process = subprocess.Popen(
        [COMMAND, "watch", sweep, "--base-url", server.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert process.stderr is not None
    assert "PENDING -> RUNNING" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped watching; the runs continue" in err
    assert "RUNNING" in out
    statuses = {run.status for run in read_state(sweep.with_name("jobs.ledger.jsonl")).runs.values()}
    assert {"RUNNING"} <= statuses <= {"PENDING", "RUNNING"}, "what was seen is recorded"


def test_without_created_runs_it_says_what_to_do(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    submit(batchrun, sweep, server)
    ledger = sweep.with_name("jobs.ledger.jsonl")
    first = ledger.read_text("utf-8").splitlines()[0]
    ledger.write_text(first + "\n", "utf-8")
    ended = watch(batchrun, sweep, server)
    assert ended.status == 1
    assert "no run of this batch has been created yet, so there is nothing to watch" in ended.err
    assert f"create them with batchrun resume {ledger}" in ended.err
    with FileLedger.open(ledger):
        beside = watch(batchrun, sweep, server, "--timeout", "0.2s")
    assert beside.status == 3
    assert "nothing to watch; the process that is writing the ledger will create them" in beside.err


def test_another_service_and_a_sweep_without_ledger_are_refused(
    batchrun: Run, sweep: Path, server: EmulatorServer
) -> None:
    missing = watch(batchrun, sweep, server)
    assert (missing.status, "run batchrun submit" in missing.err) == (4, True)
    submit(batchrun, sweep, server)
    elsewhere = batchrun("watch", sweep, "--base-url", "http://127.0.0.1:9")
    assert elsewhere.status == 4
    assert f"the batch was submitted to {server.url}, not to http://127.0.0.1:9; use --base-url" in elsewhere.err


@pytest.mark.parametrize(
    ("words", "message"),
    [(("--until", "first"), "--until"), (("--timeout", "soon"), "'soon' is not a duration")],
)
def test_options_that_make_no_sense_are_refused(
    batchrun: Run, sweep: Path, server: EmulatorServer, words: tuple[str, str], message: str
) -> None:
    submit(batchrun, sweep, server)
    ended = watch(batchrun, sweep, server, *words)
    assert ended.status == 2
    assert message in ended.err


@pytest.mark.slow
def test_calls_that_the_service_refuses_are_named_once(batchrun: Run, sweep: Path) -> None:
    with EmulatorServer(EmulatorSettings.model_validate({**QUICK, "refused_calls": {"get": 404}})) as server:
        submit(batchrun, sweep, server)
        ended = watch(batchrun, sweep, server)
        assert ended.status == 0, ended.err
    assert ended.err.count("GET /runs/{id}") <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ({"list": 403, "get": 403}, "error: GET /runs: this API key can read neither the list nor single runs"),
        ({"list": 401}, "error: GET /runs: HTTP 401"),
    ],
)
@pytest.mark.parametrize("words", [("watch",), ("runs", "--refresh")])
def test_where_nothing_may_be_read_a_command_says_so_and_records_nothing(
    batchrun: Run, sweep: Path, quick: EmulatorServer, refused: dict[str, int], message: str, words: tuple[str, ...]
) -> None:
    submit(batchrun, sweep, quick)
    configure(quick, {"refused_calls": refused})
    ended = batchrun(*words, sweep, "--base-url", quick.url)
    assert ended.status == 3
    assert ended.err.splitlines()[-1].startswith(message)
    assert all(run.status == "PENDING" for run in read_state(sweep.with_name("jobs.ledger.jsonl")).runs.values())


def configure(server: EmulatorServer, settings: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{server.url}/_emulator/config",
        json.dumps(settings).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request).close()
