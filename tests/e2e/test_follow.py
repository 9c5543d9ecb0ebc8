"""Runs followed to their end by a service that misbehaves on every read request, by watches that are killed."""

import json
import random
import signal
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from batchrun.ledger.check import check
from batchrun.ledger.events import StatusEvent
from batchrun.ledger.reader import read_events, read_state
from batchrun.ledger.statuses import has_ended
from tests.e2e.conftest import KEY, Command, Emulator, emulating

KILLS = 6
LIVES = ("--set", "startup_s=1", "--set", "run_s=6", "--set", "run_spread=0.6")
ENDS = ("--failure-rate", "0.05", "--set", "timed_out_rate=0.03", "--set", "relapse_rate=0.02")
ODD = ("--set", "odd_status_rate=0.02", "--set", "gone_rate=0.005", "--set", "gone_after_s=4")
PASSING = {
    "error": 0.08,
    "reset": 0.04,
    "cut_body": 0.03,
    "garbled_body": 0.02,
    "unavailable": 0.02,
    "rate_limit": 0.01,
}
REFUSING = {"not_found": 0.03, "forbidden": 0.02, "login_page": 0.02, "redirect": 0.01}
"""These stop a submission that has not begun, so they begin after it."""


def configure(emulator: Emulator, settings: dict[str, Any]) -> None:
    data = json.dumps(settings).encode()
    request = urllib.request.Request(
        f"{emulator.url}/_emulator/config", data, {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def really(emulator: Emulator) -> dict[str, str]:
    """The status of each run by id."""
    return {run["id"]: "gone" if run["deletedAt"] else run["status"] for run in emulator.held()}


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("runs", [300, pytest.param(2_000, marks=pytest.mark.soak)])
def test_the_end_of_every_run_is_recorded_once_whatever_happens_to_those_who_watch(
    command: Command, tmp_path: Path, runs: int
) -> None:
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    sweep, ledger = command.sweep(runs), tmp_path / "sweep.ledger.jsonl"
    with emulating(
        *LIVES, *ENDS, *ODD, "--set", f"capacity_runs={runs * 2 // 5}", "--seed", str(seed % 1000)
    ) as emulator:
        configure(
            emulator, {"call_faults": PASSING}
        )  # on every call but creating: lists, single runs, the organization
        service = ("--base-url", emulator.url, "--read-rate", "40")
        submit = command.start("submit", sweep, *service, "--rate", "300", "--concurrency", "32", "-y", "--json")
        emulator.wait_for_runs(100)
        configure(emulator, {"call_faults": PASSING | REFUSING})
        beside = command.start("watch", sweep, *service, "--json")
        for _ in range(KILLS):
            killed = command.start("watch", sweep, *service, "--quiet")
            time.sleep(moments.uniform(0.8, 2.5))
            killed.send_signal(signal.SIGKILL)
            killed.communicate()
        last = command.run("watch", sweep, *service, "--json")
        lines, told = beside.communicate(timeout=90)
        submitted, problems = submit.communicate(timeout=90)
        held = really(emulator)

    assert submit.returncode == 0, f"seed {seed}: {problems}"
    assert json.loads(submitted)["outcomes"]["submitted"] == runs
    assert last.returncode == beside.returncode == 1, f"seed {seed}: {last.stderr} {told}"
    recorded = {run.run_id: run.status for run in read_state(ledger).runs.values()}
    assert recorded == held, f"seed {seed}"
    assert Counter(map(has_ended, held.values())) == {True: runs}
    assert {"COMPLETED", "FAILED", "TIMED_OUT", "gone"} == set(held.values())
    events = [event for event in read_events(ledger) if isinstance(event, StatusEvent)]
    ends = Counter(event.run_id for event in events if has_ended(event.status))
    assert set(ends.values()) == {1}, f"seed {seed}"
    assert check(ledger).findings == []
    assert json.loads(lines.splitlines()[-1])["counts"] == Counter(held.values())
    assert KEY not in command.ledger_text() + lines + told + last.stdout + last.stderr
