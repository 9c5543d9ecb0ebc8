"""A batch is steered from the terminal: cancelled, dropped, read, paid for; whatever fails on the way."""

import json
import signal
import subprocess
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from batchrun.ledger.events import CancelEvent
from batchrun.ledger.reader import read_events, read_state
from batchrun.ledger.state import Outcome
from tests.e2e.conftest import Command, emulating

pytestmark = pytest.mark.e2e


def requested(ledger: Path) -> set[str]:
    return {event.run_id for event in read_events(ledger) if isinstance(event, CancelEvent)}


def test_a_cancel_that_is_killed_twice_under_errors_cancels_every_active_run(command: Command) -> None:
    config = command.folder / "emulator.toml"
    config.write_text('run_s = 600\ncancel_delay_s = 1\ncall_faults_on = ["cancel"]\n[call_faults]\nerror = 0.1\n')
    with emulating("--config", str(config)) as emulator:
        url = ("--base-url", emulator.url)
        assert command.run("submit", command.sweep(100), *url).returncode == 0
        ledger = command.folder / "sweep.ledger.jsonl"
        for more in (10, 30):
            process = command.start("cancel", "sweep.toml", *url, "--yes", "--no-wait")
            until = time.monotonic() + 30
            while len(requested(ledger)) < more and time.monotonic() < until:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        done = command.run("cancel", "sweep.toml", *url, "--yes", "--json")
        assert done.returncode == 0, done.stderr
        assert Counter(run["status"] for run in emulator.held()) == {"CANCELLED": 100}
        assert {run.status for run in read_state(ledger).runs.values()} == {"CANCELLED"}
        again = command.run("cancel", "sweep.toml", *url, "--yes")
        assert (again.returncode, "no active run matches" in again.stdout) == (0, True)


def test_what_was_not_sent_is_dropped_and_a_running_submission_is_left_to_its_owner(command: Command) -> None:
    with emulating("--set", "run_s=600") as emulator:
        url = ("--base-url", emulator.url)
        process = command.start("submit", command.sweep(200), *url, "--rate", "20")
        emulator.wait_for_runs(10)
        held = command.run("cancel", "sweep.toml", *url, "--yes")
        assert (held.returncode, str(process.pid) in held.stderr) == (4, True), held.stderr
        process.send_signal(signal.SIGINT)
        process.communicate()
        done = command.run("cancel", "sweep.toml", *url, "--yes", "--pending")
        assert done.returncode == 0, done.stderr
        state = read_state(command.folder / "sweep.ledger.jsonl")
        assert state.count(Outcome.SUBMITTED) + state.count(Outcome.DROPPED) == 200
        resumed = command.run("resume", "sweep.ledger.jsonl", *url)
        assert resumed.returncode == 0, resumed.stderr  # nothing is left: a person decided
        assert len(emulator.held()) == state.count(Outcome.SUBMITTED)


def test_logs_and_costs_of_a_batch(command: Command) -> None:
    config = command.folder / "emulator.toml"
    config.write_text(
        'run_s = 0.5\nbilling_delay_s = 0\nlog_content = "hostile"\n'
        'fail_where = [{ where = "--band red", share = 1.0, message = "ValueError: empty tile" }]\n'
    )
    with emulating("--config", str(config)) as emulator:
        url = ("--base-url", emulator.url)
        assert command.run("submit", command.sweep(20), *url).returncode == 0
        time.sleep(1)
        assert command.run("cancel", "sweep.toml", *url, "--yes").returncode == 0  # learns that all have ended

        failed = command.run("logs", "sweep.toml", "--failed", *url)
        assert "10 runs: ValueError: empty tile" in failed.stdout, failed.stdout + failed.stderr
        assert "\x1b" not in failed.stdout
        one = command.run("logs", "sweep.toml", "tile-10001-nir", "--tail", "3", "--json", *url)
        assert len(json.loads(one.stdout)["runs"][0]["lines"]) == 3
        saved = command.run("logs", "sweep.toml", "--save", "logs", *url)
        assert (saved.returncode, len(list((command.folder / "logs").glob("*.log")))) == (0, 20)

        costs = json.loads(command.run("costs", "sweep.toml", "--refresh", "--by", "band", "--json", *url).stdout)
        held = emulator.held()
        assert Decimal(costs["total"]["spatial_units"]) == sum(Decimal(run["spatialUnits"]) for run in held)
        assert set(costs["groups"]) == {"red", "nir"}
        assert costs["total"]["final"] == 20
        unknown = command.run("costs", "sweep.toml", "--by", "bnad")
        assert (unknown.returncode, "did you mean 'band'?" in unknown.stderr) == (2, True)


def said(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """The notes and errors of a command, without the progress between them."""
    assert "Traceback" not in ended.stderr
    return [line for line in ended.stderr.splitlines() if line.startswith(("note: ", "error: "))]


@pytest.mark.parametrize("status", [403, pytest.param(404, marks=pytest.mark.soak)])
def test_where_cancelling_is_refused_one_sentence_says_so_and_running_again_needs_no_unlisted_call(
    command: Command, status: int
) -> None:
    config = command.folder / "emulator.toml"
    calls = ("cancel", "organization", "config_hint", "quota")
    config.write_text(
        'run_s = 0.3\nstartup_s = 0\ndurations = [{ where = "--band nir", factor = 1e6 }]\nfailure_rate = 1\n'
        f"refused_calls = {{ {', '.join(f'{call} = {status}' for call in calls)} }}\n"
    )
    with emulating("--config", str(config)) as emulator:
        url = ("--base-url", emulator.url)
        assert command.run("submit", command.sweep(24), *url).returncode == 0
        refreshed = command.run("runs", "sweep.toml", "--refresh", *url)
        assert refreshed.returncode == 0, refreshed.stderr

        cancelled = command.run("cancel", "sweep.toml", *url, "--yes")
        assert (cancelled.returncode, len(said(cancelled))) == (1, 1), cancelled.stderr
        assert f"POST /runs/{{id}}/cancel: HTTP {status}" in said(cancelled)[0]
        assert "had ended" not in cancelled.stdout
        assert {run["status"] for run in emulator.held() if "nir" in run["name"]} == {"RUNNING"}
        again = command.run("rerun", "sweep.toml", *url, "--yes", "--limit", "2")
        assert (again.returncode, said(again)) == (0, []), again.stderr
        assert len(emulator.held()) == 26
