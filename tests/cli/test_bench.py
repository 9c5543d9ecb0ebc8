"""``batchrun bench``: what it measures, where it sends, and what it refuses."""

import json
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings, Faults
from tests.cli.conftest import Run, held
from tests.cli.terminal import COMMAND, Terminal


def test_every_run_is_created_once_and_the_figures_add_up(
    batchrun: Run, server: EmulatorServer, tmp_path: Path
) -> None:
    ended = batchrun("bench", "--runs", 300, "--base-url", server.url, "--json")
    assert ended.status == 0
    found = ended.document
    assert (found["runs"], found["submitted"], found["attempts"], found["retries"]) == (300, 300, 300, 0)
    assert found["outcomes"] == {"submitted": 300, "rejected": 0, "failed": 0, "unknown": 0, "dropped": 0, "pending": 0}
    assert found["runs_per_s"] == pytest.approx(300 / found["submit_s"], rel=0.01)
    assert found["run_latency_ms"]["count"] == found["answer_latency_ms"]["count"] == 300
    assert sum(one["runs"] for one in found["histogram"]) == 300
    assert 0 < found["run_latency_ms"]["p50"] <= found["run_latency_ms"]["p99"] <= found["run_latency_ms"]["max"]
    assert found["setting"]["service"] == server.url
    assert len(set(held(server))) == len(held(server)) == 300
    assert list(tmp_path.iterdir()) == []  # the ledger is gone


def test_a_second_bench_of_one_service_creates_runs_of_its_own(batchrun: Run, server: EmulatorServer) -> None:
    for _ in range(2):
        assert batchrun("bench", "--runs", 20, "--base-url", server.url).status == 0
    assert len(set(held(server))) == 40


def test_retries_are_counted(batchrun: Run) -> None:
    with EmulatorServer(EmulatorSettings(faults=Faults.model_validate({"conflict": "1@10-14"}))) as server:
        found = batchrun("bench", "--runs", 50, "--base-url", server.url, "--json").document
    assert (found["submitted"], found["attempts"], found["retries"]) == (50, 55, 5)


def test_runs_whose_response_was_lost_are_timed_too(batchrun: Run) -> None:
    faults = Faults.model_validate({"reset_after_commit": "1@10-14"})
    with EmulatorServer(EmulatorSettings(faults=faults)) as server:
        found = batchrun("bench", "--runs", 50, "--rate", 100, "--base-url", server.url, "--json").document
    assert (found["submitted"], found["settled"], found["retries"]) == (50, 5, 0)
    assert found["run_latency_ms"]["count"] == 50
    assert found["answer_latency_ms"]["count"] == 45
    assert found["run_latency_ms"]["max"] > 500  # found by looking, a while later


def test_refusals_and_the_limit_found_are_reported(batchrun: Run) -> None:
    with EmulatorServer(EmulatorSettings(rate_limit_per_s=30, burst=30)) as server:
        words = ["bench", "--runs", 150, "--find-limit", "--base-url", server.url, "--json"]
        found = batchrun(*words).document
    assert found["submitted"] == 150
    assert found["refused"] == {"RATE_LIMIT_ERROR": found["retries"]}
    assert 15 < found["limit_per_s"] < 60


def test_an_attempt_that_a_pause_held_back_is_no_retry(batchrun: Run) -> None:
    settings = EmulatorSettings(rate_limit_per_s=100, burst=5, retry_after="fraction")
    with EmulatorServer(settings) as server:
        found = batchrun("bench", "--runs", 100, "--rate", 200, "--base-url", server.url, "--json").document
    assert found["retries"] == found["attempts"] - found["runs"] == sum(found["refused"].values())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_planning_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    words = [str(COMMAND), "bench", "--runs", "1000000", "--directory", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "bench: 1,000,000 runs" in process.stderr.readline()
        time.sleep(0.3)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (128 + number, "")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_second_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    with EmulatorServer(EmulatorSettings(faults=Faults.model_validate({"hang": 1.0}), hang_s=30)) as server:
        words = [str(COMMAND), "bench", "--base-url", server.url, "--directory", str(tmp_path)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not held(server):
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "stopped immediately: there are no figures" in err
    assert list(tmp_path.iterdir()) == []


def test_a_rate_is_kept_and_named(batchrun: Run, server: EmulatorServer) -> None:
    ended = batchrun("bench", "--runs", 100, "--rate", 200, "--base-url", server.url)
    assert "scheduled start until known to exist" in ended.out
    assert "100 runs, concurrency 64, 200 per second" in ended.err
    [rate] = re.findall(r"throughput +([\d.]+) runs/s", ended.out)
    assert 0 < float(rate) <= 210  # how close it comes is up to the machine


@pytest.mark.slow
def test_by_default_it_starts_an_emulator_and_stops_it(installed: Run) -> None:
    ended = installed("bench", "--runs", "200", "--json", WHEROBOTS_API_KEY="")
    assert ended.status == 0
    assert ended.document["setting"]["service"] == "emulator"
    assert ended.document["submitted"] == 200


@pytest.mark.slow
def test_on_a_terminal_a_histogram_is_drawn(server: EmulatorServer, tmp_path: Path) -> None:
    terminal = Terminal("bench", "--runs", "200", "--yes", "--base-url", server.url, cwd=tmp_path)
    assert terminal.wait() == 0
    assert re.search(r"[\d.]+ to +[\d.]+ ms +█+", terminal.printed)


def test_a_pipe_gets_no_picture(batchrun: Run, server: EmulatorServer) -> None:
    assert "█" not in batchrun("bench", "--runs", 20, "--base-url", server.url).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--base-url", "https://api.cloud.wherobots.com"], "would be executed and billed; use a loopback address"),
        (["--base-url", "http://10.0.0.1:80"], "not https"),
        (["--rate", "0"], "rate: 0.0 is out of range; use a number greater than 0"),
        (["--rate", "5", "--find-limit"], "--find-limit: cannot be used with --rate"),
        (["--runs", "0"], "greater than or equal to 1"),
        (["--directory", "nowhere"], "--directory: nowhere: cannot create a ledger there"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_sent(
    batchrun: Run, words: list[str], message: str
) -> None:
    ended = batchrun("bench", *words)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


def test_an_unknown_transport_is_an_error(batchrun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHRUN_TRANSPORT", "pigeon")
    ended = batchrun("bench", "--runs", 5)
    assert ended.status == 2
    assert "unknown transport 'pigeon'" in ended.err


def test_an_unreachable_service_is_reported_with_the_figures(batchrun: Run) -> None:
    ended = batchrun("bench", "--runs", 5, "--base-url", "http://127.0.0.1:1", "--json")
    assert ended.status == 3
    assert ended.document["outcomes"]["pending"] == 5
    assert ended.document["run_latency_ms"] is None
    assert "fix it and run the benchmark again" in ended.err


@pytest.mark.slow
def test_interrupted_it_reports_what_it_has_and_removes_its_ledger(tmp_path: Path) -> None:
    words = [str(COMMAND), "bench", "--runs", "5000", "--rate", "50", "--json", "--directory", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # No time limits of its own, here and below: on a busy machine, starting alone may take long.
        while not any(b'"submitted"' in path.read_bytes() for path in tmp_path.glob(".batchrun-bench-*/*.jsonl")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130, err
    assert 0 < json.loads(out)["submitted"] < 5_000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_interrupt_before_the_start_is_reported(tmp_path: Path) -> None:
    words = [str(COMMAND), "bench", "--directory", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.iterdir()):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.endswith("error: Ctrl-C: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_it_asks_before_sending_to_a_running_service(server: EmulatorServer, tmp_path: Path) -> None:
    terminal = Terminal("bench", "--runs", "5", "--base-url", server.url, cwd=tmp_path)
    terminal.wait_for("Send these runs? [y/N]")
    terminal.type("n\n")
    assert terminal.wait() == 3
    with urllib.request.urlopen(f"{server.url}/_emulator/runs") as answer:
        assert answer.read() == b""
