"""Steering at the sizes that it is for: hundreds of active runs, hundreds of logs, ten thousand costs."""

import json
import signal
import time
import urllib.request
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from batchrun.ledger.events import CancelEvent
from batchrun.ledger.reader import read_events, read_state
from tests.e2e.conftest import Command, Emulator, emulating

pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(900)]


def lines(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url) as answer:
        return [json.loads(line) for line in answer]


def calls(emulator: Emulator, kind: str) -> int:
    with urllib.request.urlopen(f"{emulator.url}/_emulator/stats") as answer:
        return int(json.load(answer)["calls"].get(kind, 0))


def asked(ledger: Path) -> list[str]:
    return [event.run_id for event in read_events(ledger) if isinstance(event, CancelEvent)]


def submitted(command: Command, runs: int, emulator: Emulator, *more: str) -> Path:
    done = command.run("submit", command.sweep(runs), "--base-url", emulator.url, "-q", *more, timeout=600)
    assert done.returncode in {0, 1}, done.stderr  # 1: some runs failed, as they should
    return command.folder / "sweep.ledger.jsonl"


def test_five_hundred_active_runs_are_cancelled_by_a_command_that_dies_twice(command: Command) -> None:
    config = command.folder / "emulator.toml"
    config.write_text('run_s = 3600\ncancel_delay_s = 1\ncall_faults_on = ["cancel"]\n[call_faults]\nerror = 0.1\n')
    with emulating("--config", str(config)) as emulator:
        ledger = submitted(command, 500, emulator)
        flags = ("--base-url", emulator.url, "--yes")
        for more in (60, 180):
            process = command.start("cancel", "sweep.toml", *flags, "--no-wait")
            until = time.monotonic() + 120
            while len(set(asked(ledger))) < more and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert len(set(asked(ledger))) < 500
        done = command.run("cancel", "sweep.toml", *flags, timeout=600)
        assert done.returncode == 0, done.stderr
        assert Counter(run["status"] for run in emulator.held()) == {"CANCELLED": 500}
        assert Counter(run.status for run in read_state(ledger).runs.values()) == {"CANCELLED": 500}
        assert set(asked(ledger)) == {run["id"] for run in emulator.held()}


def test_costs_of_ten_thousand_runs_take_a_hundred_calls_and_are_exact(command: Command) -> None:
    settings = ("run_s=1", "startup_s=0", "run_spread=0.9", "billing_delay_s=0", "usd_per_unit=0.333333")
    flags = [word for setting in settings for word in ("--set", setting)]
    with emulating(*flags) as emulator:
        ledger = submitted(command, 10_000, emulator)
        time.sleep(2)
        base_url = ("--base-url", emulator.url)
        shown = command.run("costs", "sweep.toml", "--refresh", "--json", *base_url, timeout=600)
        assert shown.returncode == 0, shown.stderr
        total, held = json.loads(shown.stdout)["total"], emulator.held()
        assert (total["final"], total["unknown"], calls(emulator, "costs")) == (10_000, 0, 100)
        assert Decimal(total["spatial_units"]) == sum(Decimal(run["spatialUnits"]) for run in held)
        assert Decimal(total["money"]["USD"]) == sum(Decimal(run["cost"]) for run in held)
        size = ledger.stat().st_size
        again = command.run("costs", "sweep.toml", "--refresh", "--json", *base_url, timeout=600)
        assert json.loads(again.stdout)["total"] == total
        assert (ledger.stat().st_size, calls(emulator, "costs")) == (size, 100)


def test_two_hundred_logs_are_saved_by_a_command_that_is_interrupted_and_killed(command: Command) -> None:
    with emulating("--set", "run_s=1", "--set", "startup_s=0", "--set", "log_lines=1500") as emulator:
        ledger = submitted(command, 200, emulator, "-w")
        folder = command.folder / "logs"
        flags = ("--base-url", emulator.url, "--save", "logs")
        for stop, more in ((signal.SIGINT, 20), (signal.SIGKILL, 80)):
            process = command.start("logs", "sweep.toml", *flags)
            until = time.monotonic() + 120
            while len(list(folder.glob("*.log"))) < more and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(stop)
            _, err = process.communicate(timeout=60)
            assert "Traceback" not in err
            assert more <= len(list(folder.glob("*.log"))) < 200
        done = command.run("logs", "sweep.toml", *flags, "--json", timeout=600)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert (document["written"] + document["kept"], document["problems"]) == (200, [])
        assert document["kept"] >= 80
        names = {run.run_id: key for key, run in read_state(ledger).runs.items()}
        for run in emulator.held():
            assert run["id"] in names
            expected = [line["raw"] for line in lines(f"{emulator.url}/_emulator/runs/{run['id']}/logs")]
            assert (folder / f"{run['name']}.log").read_text("utf-8").splitlines() == expected
