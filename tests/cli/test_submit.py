"""``submit`` and ``resume`` as the installed command: what is printed, what the service holds, and the exit status."""

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings, Faults
from batchrun.ledger.check import check
from tests.cli.conftest import KEY, MANIFEST, Run, held
from tests.cli.terminal import COMMAND


def test_a_sweep_is_submitted_and_every_run_accounted_for(installed: Run, sweep: Path, server: EmulatorServer) -> None:
    ended = installed("submit", sweep, "--base-url", server.url, "--rate", "200")
    assert ended.status == 0, ended.err
    assert "submitted    12" in ended.out
    assert "planned      12" in ended.out
    names = held(server)
    assert len(names) == len(set(names)) == 12
    assert names[0] == "job-lax-2021"


def test_json_is_one_document_and_all_else_is_elsewhere(installed: Run, sweep: Path, server: EmulatorServer) -> None:
    ended = installed("submit", sweep, "--base-url", server.url, "--rate", "200", "--json")
    assert ended.document["outcomes"] == {
        "submitted": 12,
        "rejected": 0,
        "failed": 0,
        "unknown": 0,
        "dropped": 0,
        "pending": 0,
    }
    assert ended.document["exit_status"] == ended.status == 0
    assert "12 runs to submit" in ended.err


def test_the_emulator_needs_neither_a_key_nor_the_network(
    installed: Run, sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WHEROBOTS_API_KEY")
    ended = installed("submit", sweep, "--emulator", "--rate", "200", HTTPS_PROXY="http://127.0.0.1:1")
    assert ended.status == 0, ended.err
    assert "submitted    12" in ended.out


def test_submitting_again_says_that_all_is_done(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    words = ["submit", sweep, "--base-url", server.url, "--rate", "200"]
    batchrun(*words)
    again = batchrun(*words)
    assert again.status == 0
    assert "nothing left to send: all 12 runs are already submitted" in again.out
    assert len(held(server)) == 12


def test_the_key_is_nowhere(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    for words in (["submit", sweep, "--rate", "200"], ["status", "jobs.ledger.jsonl"], ["submit", sweep, "--dry-run"]):
        ended = batchrun(*words, *([] if "status" in words else ["--base-url", server.url]))
        assert KEY not in ended.out + ended.err
    assert all(KEY.encode() not in path.read_bytes() for path in sweep.parent.iterdir())


def test_a_key_inside_what_is_typed_is_masked(batchrun: Run, sweep: Path) -> None:
    ended = batchrun("submit", sweep, "--base-url", f"https://{KEY}.example/?x=1")
    assert ended.status == 2
    assert KEY not in ended.err


def test_a_wrong_key_stops_at_once_and_loses_nothing(installed: Run, sweep: Path, server: EmulatorServer) -> None:
    words = ["submit", sweep, "--base-url", server.url]
    ended = installed(*words, WHEROBOTS_API_KEY="wbk-another-9876543210")
    assert ended.status == 3
    assert ended.err.count("error:") == 1
    assert "the API key was refused" in ended.err
    assert "wbk-another" not in ended.err + ended.out
    assert held(server) == []
    assert "pending      12" in ended.out
    assert installed(*words, "--rate", "200").status == 0


def test_no_key_is_told_before_anything_is_made(batchrun: Run, sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHEROBOTS_API_KEY")
    ended = batchrun("submit", sweep)
    assert ended.status == 2
    assert "WHEROBOTS_API_KEY: no API key is set" in ended.err
    assert list(sweep.parent.glob("*.ledger.jsonl")) == []


def test_a_dry_run_sends_nothing_and_makes_nothing(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    ended = batchrun("submit", sweep, "--base-url", server.url, "--dry-run", "--json")
    assert ended.document["to_send"] == 12
    assert held(server) == []
    assert list(sweep.parent.glob("*.ledger.jsonl")) == []


def test_a_changed_sweep_shows_the_difference_and_needs_extend(
    batchrun: Run, sweep: Path, server: EmulatorServer
) -> None:
    words = ["submit", sweep, "--base-url", server.url, "--rate", "200"]
    batchrun(*words)
    sweep.write_text(MANIFEST.replace('"nyc", ', '"sea", '), "utf-8")
    refused = batchrun(*words)
    assert refused.status == 4
    assert "4 new, 4 removed, 8 already submitted (new: job-sea-2021, " in refused.err
    assert "--extend" in refused.err
    assert len(held(server)) == 12
    extended = batchrun(*words, "--extend", "--json")
    assert extended.document["outcomes"]["submitted"] == extended.document["planned"] == 12
    assert len(held(server)) == 16
    assert batchrun(*words).status == 0
    assert batchrun("status", "jobs.ledger.jsonl", "--json").document["outcomes"]["submitted"] == 12


def test_another_server_is_refused_unless_allowed(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    batchrun("submit", sweep, "--base-url", server.url, "--rate", "200")
    with EmulatorServer(EmulatorSettings(api_key=KEY)) as other:
        words = ["resume", "jobs.ledger.jsonl", "--base-url", other.url]
        refused = batchrun(*words)
        assert refused.status == 4
        assert server.url in refused.err
        assert "--to-another-server" in refused.err
        assert batchrun(*words, "--to-another-server").status == 0
        assert batchrun(*words).status == 0


def test_rejections_are_grouped_listed_and_sent_again_when_asked(batchrun: Run, sweep: Path) -> None:
    sweep.write_text(MANIFEST.replace("aws-us-west-2", "{{place}}").replace(
        "[axes]", '[vars]\nplace = "nowhere"\n\n[axes]'), "utf-8")  # fmt: skip
    settings = EmulatorSettings(api_key=KEY, faults=Faults.model_validate({"error_before_commit": 1.0}))
    with EmulatorServer(settings) as server:
        words = ["--base-url", server.url, "--rate", "500", "--max-attempts", "1", "--settle-after", "0"]
        ended = batchrun("submit", sweep, *words)
    assert ended.status in {1, 3}, ended.err
    assert "Not submitted" in ended.out or "to resume" in ended.out
    status = batchrun("status", "jobs.ledger.jsonl", "--failed", "--json").document
    assert sum(status["outcomes"].values()) == status["planned"] == 12
    assert len(status["runs"]) == status["outcomes"]["failed"] + status["outcomes"]["rejected"]
    with EmulatorServer(EmulatorSettings(api_key=KEY)) as server:
        again = batchrun(
            "resume", "jobs.ledger.jsonl", "--base-url", server.url, "--to-another-server",
            "--retry", "rejected,failed", "--rate", "500", "--settle-after", "0",
        )  # fmt: skip
        assert again.status == 0, again.err
        assert len(held(server)) == 12


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_drains_and_the_printed_command_finishes(
    batchrun: Run, sweep: Path, server: EmulatorServer, sent: signal.Signals, status: int
) -> None:
    running = subprocess.Popen(
        [COMMAND, "submit", sweep, "--base-url", server.url, "--rate", "4"],
        cwd=sweep.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len(held(server)) < 2:
        time.sleep(0.05)
    running.send_signal(sent)
    out, err = running.communicate(timeout=40)
    assert running.returncode == status, err
    assert "stopping: in-flight attempts finish first" in err
    command = next(line for line in out.splitlines() if line.startswith("to resume: ")).removeprefix(
        "to resume: batchrun "
    )
    finished = batchrun(*command.split(), "--rate", "200")
    assert finished.status == 0, finished.err
    assert len(held(server)) == len(set(held(server))) == 12


def test_a_second_interrupt_stops_at_once(batchrun: Run, sweep: Path) -> None:
    settings = EmulatorSettings(api_key=KEY, faults=Faults.model_validate({"hang": 1.0}), hang_s=30)
    with EmulatorServer(settings) as server:
        running = subprocess.Popen(
            [COMMAND, "submit", sweep, "--base-url", server.url, "--rate", "50"],
            cwd=sweep.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while len(held(server)) < 2:
            time.sleep(0.05)
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=10)
    assert running.returncode == 130
    assert time.monotonic() - began < 5
    assert "stopped immediately" in err
    outcomes = batchrun("status", "jobs.ledger.jsonl", "--json").document["outcomes"]
    assert outcomes["unknown"] >= 2
    assert sum(outcomes.values()) == 12


def test_status_works_while_submit_runs_and_a_second_writer_is_refused(
    batchrun: Run, sweep: Path, server: EmulatorServer
) -> None:
    words: list[str | Path] = ["submit", sweep, "--base-url", server.url, "--rate", "4"]
    running = subprocess.Popen([COMMAND, *words], cwd=sweep.parent, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while len(held(server)) < 2:
        time.sleep(0.05)
    status = batchrun("status", "jobs.ledger.jsonl")
    second = batchrun(*words)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=40)
    assert f"writer:     process {running.pid} on {os.uname().nodename}" in status.out
    assert second.status == 4
    assert f"process {running.pid}" in second.err


def test_nobody_reading_the_result_does_not_change_what_was_done(sweep: Path, server: EmulatorServer) -> None:
    line = f"{COMMAND} submit {sweep} --base-url {server.url} --rate 200; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({line}) | true"], cwd=sweep.parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1] == "0"
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr
    assert len(held(server)) == 12


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--retry", "pending"], "error: --retry: 'pending' cannot be retried"),
        (["--settle-after", "soon"], "error: --settle-after: 'soon' is not a duration"),
        (["--stop-after-failures", "0%"], "error: --stop-after-failures: '0%' is not a count or a percentage"),
        (["--rate", "-1"], "error: rate: -1.0 is out of range"),
        (["--emulator", "--base-url", "http://localhost:1"], "error: --emulator: cannot be used with --base-url"),
        (["--base-url", "http://api.example.com"], "is not https, so the API key would be sent unencrypted"),
    ],
)
def test_a_flag_that_cannot_be_used_is_told(batchrun: Run, sweep: Path, words: list[str], message: str) -> None:
    ended = batchrun("submit", sweep, *words)
    assert ended.status == 2
    assert message in ended.err
    assert list(sweep.parent.glob("*.ledger.jsonl")) == []


def test_a_ledger_given_as_a_sweep_is_recognised(batchrun: Run) -> None:
    ended = batchrun("submit", "jobs.ledger.jsonl")
    assert ended.status == 2
    assert "did you mean batchrun resume jobs.ledger.jsonl?" in ended.err


def test_where_nobody_can_be_asked_it_says_once_that_it_sends_all_the_same(
    batchrun: Run, sweep: Path, server: EmulatorServer
) -> None:
    words = ["submit", sweep, "--base-url", server.url, "--rate", "500"]
    first, again = batchrun(*words, "--where", "site=nyc"), batchrun(*words, "--where", "site=nyc")
    assert first.err.count("not a terminal, so the runs are sent without confirmation") == 1
    assert "sent without confirmation" not in again.err  # nothing was left to send
    assert "sent without confirmation" not in batchrun(*words, "--extend", "--yes").err
    assert len(held(server)) == 12


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_but_what_is_printed(sweep: Path, server: EmulatorServer, closed: str) -> None:
    words = shlex.join([str(COMMAND), "submit", str(sweep), "--base-url", server.url, "--rate", "500"])
    done = subprocess.run(["sh", "-c", f"{words} {closed}"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done
    assert len(held(server)) == 12
    assert check(sweep.with_name("jobs.ledger.jsonl")).findings == []


def test_an_error_is_not_printed_where_a_result_is_expected(sweep: Path) -> None:
    words = shlex.join([str(COMMAND), "status", str(sweep.with_name("no.ledger.jsonl")), "--json"])
    done = subprocess.run(["sh", "-c", f"{words} 2>&-"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 4
    assert json.loads(done.stdout)["exit_status"] == 4


WITH_TOKEN = MANIFEST.replace('"{{year}}"]', '"{{year}}", "{{env.TOKEN}}"]')


def test_a_finished_batch_needs_no_values_of_the_environment(
    batchrun: Run, sweep: Path, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep.write_text(WITH_TOKEN)
    reach = ["--base-url", server.url]
    monkeypatch.setenv("TOKEN", "one")
    assert batchrun("submit", sweep, *reach, "--rate", "500", "--quiet").status == 0
    monkeypatch.delenv("TOKEN")
    for words in (["submit", sweep], ["resume", sweep], ["resume", sweep, "--retry", "failed"]):
        ended = batchrun(*words, *reach)
        assert (ended.status, ended.err) == (0, "")
        assert "nothing left to send: all 12 runs are already submitted" in ended.out
    assert batchrun("resume", sweep, *reach, "--dry-run").status == 0
    assert batchrun("ledger", "export", sweep, "-o", "runs.csv").status == 0
    assert batchrun("plan", sweep, "--diff", sweep).out.endswith("0 new, 0 removed, 12 already submitted\n")


def test_an_unfinished_batch_needs_them(
    batchrun: Run, sweep: Path, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep.write_text(WITH_TOKEN)
    reach = ["--base-url", server.url]
    monkeypatch.setenv("TOKEN", "one")
    assert batchrun("submit", sweep, *reach, "--where", "site=nyc", "--rate", "500", "--quiet").status == 0
    monkeypatch.delenv("TOKEN")
    for words in (["submit", sweep, "--extend"], ["submit", sweep, "--dry-run", "--ledger", "new.ledger.jsonl"]):
        ended = batchrun(*words, *reach)
        assert ended.status in {2, 4}
        assert len(held(server)) == 4
    assert "the environment has no TOKEN; export TOKEN=" in ended.err
