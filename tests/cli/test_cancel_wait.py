"""Cancelling waits for the runs to end, and says what it knows when they do not."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.errors import LedgerError
from tests.cli.conftest import KEY, Run
from tests.cli.terminal import COMMAND

WAIT = "batchrun.cli.cancel_wait"
ENDLESS = {"api_key": KEY, "startup_s": 0, "run_s": 600, "cancel_delay_s": 600}


def test_runs_that_do_not_end_are_named_after_a_while_with_the_way_to_look_later(
    batchrun: Run, sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{WAIT}.WAIT_S", 0.6)
    monkeypatch.setattr(f"{WAIT}.FIRST_LINE_AFTER_S", 0.1)
    with EmulatorServer(EmulatorSettings.model_validate(ENDLESS)) as server:
        reach = ("--base-url", server.url)
        assert batchrun("submit", sweep, *reach, "--rate", "500", "-y", "-q").status == 0
        ended = batchrun("cancel", sweep, *reach, "--yes", "--json")
    assert ended.status == 3
    assert "0 of 12 runs ended after 0.1 s: 12 " in ended.err
    assert "jobs.ledger.jsonl: 12 runs still active after 0.6 s (12 " in ended.err
    assert " and 9 more; " in ended.err
    assert "check later with batchrun watch " in ended.err
    assert (ended.document["cancelled"], ended.document["exit_status"]) == (12, 3)
    assert sum(ended.document["statuses"].values()) == 12


def test_an_error_while_waiting_is_reported_as_itself(
    batchrun: Run, sweep: Path, monkeypatch: pytest.MonkeyPatch, server: EmulatorServer
) -> None:
    async def removed(*_: object) -> None:
        raise LedgerError(str(sweep), "it was removed")

    reach = ("--base-url", server.url)
    assert batchrun("submit", sweep, *reach, "--rate", "500", "-y", "-q").status == 0
    monkeypatch.setattr("batchrun.tracking.follow.Follower.look", removed)
    ended = batchrun("cancel", sweep, *reach, "--yes")
    assert ended.status == 4
    assert ended.err.splitlines()[-1] == f"error: {sweep}: it was removed"


def test_ctrl_c_is_heeded_although_the_calls_hang(batchrun: Run, sweep: Path) -> None:
    hanging = {"call_faults": {"hang": 1.0}, "call_faults_on": ["cancel"]}
    ledger = sweep.with_name("jobs.ledger.jsonl")
    with EmulatorServer(EmulatorSettings.model_validate(ENDLESS | hanging)) as server:
        reach = ("--base-url", server.url)
        assert batchrun("submit", sweep, *reach, "--rate", "500", "-y", "-q").status == 0
        command: list[str | Path] = [COMMAND, "cancel", sweep, *reach, "--yes", "--timeout", "300"]
        environ = {**os.environ, "WHEROBOTS_API_KEY": KEY}
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
            until = time.monotonic() + 20
            while ledger.read_text().count('"cancel"') < 8 and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "8 runs: no response before the command was stopped; cancel it again" in err
