"""``submit --emulator`` killed in the middle: ``resume`` starts the emulator with the runs it had."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Command

RUNS = 400


def kept(state: Path) -> list[str]:
    """The names of the emulator's runs, read as they lie on disk."""
    if not state.exists():
        return []
    with closing(sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True)) as database:
        try:
            return [name for (name,) in database.execute("SELECT name FROM runs")]
        except sqlite3.OperationalError:  # no table yet
            return []


@pytest.mark.e2e
@pytest.mark.slow
def test_a_killed_submission_to_its_own_emulator_is_resumed_with_its_runs(command: Command, tmp_path: Path) -> None:
    sweep = command.sweep(RUNS)
    state = tmp_path / "sweep.emulator.ledger.jsonl.runs.sqlite"
    process = command.start("submit", sweep, "--emulator", "--yes", "--rate", "150")
    until = time.monotonic() + 60
    while len(kept(state)) < RUNS // 10 and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    before = kept(state)
    resumed = command.run("resume", "sweep.emulator.ledger.jsonl", "--rate", "1000")
    assert RUNS // 10 <= len(before) < RUNS
    assert resumed.returncode == 0, resumed.stderr
    assert set(before) <= set(kept(state))
    assert len(kept(state)) == len(set(kept(state))) == RUNS
    again = command.run("submit", sweep, "--emulator", "--yes")
    assert (again.returncode, "already submitted" in again.stdout) == (0, True)
    assert not (tmp_path / "sweep.ledger.jsonl").exists()
