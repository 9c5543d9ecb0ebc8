"""Runs survive the emulator."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchrun.emulator.run_rules import FailRule
from batchrun.emulator.runs.failures import Failure
from batchrun.emulator.runs.lifecycle import Lifecycle
from batchrun.emulator.runs.state_file import StateInUseError, open_state
from batchrun.emulator.settings import EmulatorSettings
from batchrun.errors import UsageError
from batchrun.wherobots.views import RunStatus

Service = Callable[..., httpx.AsyncClient]
T = 1_000_000.0
SECOND_FORMAT = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, region TEXT NOT NULL, runtime TEXT NOT NULL,
  timeout_s TEXT NOT NULL, payload BLOB NOT NULL, created_at REAL NOT NULL,
  startup_s REAL NOT NULL, run_s REAL NOT NULL, ending TEXT NOT NULL, organization TEXT NOT NULL);
CREATE TABLE cancels (number INTEGER PRIMARY KEY, at REAL NOT NULL, delay_s REAL NOT NULL);
CREATE TABLE deletions (number INTEGER PRIMARY KEY, at REAL NOT NULL);
INSERT INTO runs VALUES (1, 'a', 'old-run', 'r', 'tiny', '60', x'7b7d', 1000000.0, 1.0, 20.0, 'FAILED', 'acme');
PRAGMA user_version=2;
"""
FIRST_FORMAT = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, region TEXT NOT NULL, runtime TEXT NOT NULL,
  timeout_s TEXT NOT NULL, payload BLOB NOT NULL, created_at REAL NOT NULL,
  startup_s REAL NOT NULL, run_s REAL NOT NULL, ending TEXT NOT NULL);
CREATE TABLE cancels (number INTEGER PRIMARY KEY, at REAL NOT NULL, delay_s REAL NOT NULL);
INSERT INTO runs VALUES (1, 'a', 'old-run', 'r', 'tiny', '60', x'7b7d', 1000000.0, 1.0, 20.0, 'COMPLETED');
PRAGMA user_version=1;
"""


async def test_a_second_emulator_continues_where_the_first_ended(
    service: Service, payload: dict[str, Any], tmp_path: Path
) -> None:
    state = tmp_path / "state.sqlite"
    first = service(state_file=state, startup_s=0, run_s=0.2)
    ids = []
    for number in range(3):
        body = {**payload, "name": f"kept-run-{number}"}
        ids.append((await first.post("/runs", params={"region": "r"}, json=body)).json()["id"])
    await first.post(f"/runs/{ids[1]}/cancel")
    await asyncio.sleep(0.25)
    second = service(state_file=state)
    before, after = [(await client.get("/runs")).json() for client in (first, second)]
    assert after["items"] == before["items"]
    assert [run["status"] for run in after["items"]] == ["COMPLETED", "CANCELLED", "COMPLETED"]
    new = await second.post("/runs", params={"region": "r"}, json=payload)
    assert new.json()["id"] not in ids
    assert (await second.get(f"/runs/{ids[0]}/logs")).json()["items"]


def test_lifecycles_under_a_capacity_are_the_same_after_a_restart(tmp_path: Path) -> None:
    settings = EmulatorSettings(capacity_runs=2, startup_s=0, run_s=10, run_spread=0.5)
    first = open_state(tmp_path / "state", settings)
    for number in range(8):
        first.commit(name=f"n{number}", region="r", runtime="tiny", timeout_s=10**30, payload=b"{}", now=T + number)
        if number % 3 == 2:
            first.cancel(first.runs[number - 1], T + number + 0.5)
    first.advance(T + 30)
    first.close()
    second = open_state(tmp_path / "state", settings)
    second.advance(T + 30)
    assert list(second.runs) == list(first.runs)
    assert second.active_runs == first.active_runs
    second.close()


def test_a_reset_reaches_the_file(tmp_path: Path) -> None:
    store = open_state(tmp_path / "state", EmulatorSettings())
    store.commit(name="n", region="r", runtime="tiny", timeout_s=1, payload=b"{}", now=T)
    store.clear()
    store.close()
    again = open_state(tmp_path / "state", EmulatorSettings())
    assert not again.runs
    again.close()


def test_any_other_file_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no database at all, but some text that is long enough to be looked at\n" * 3)
    before = file.read_bytes()
    with pytest.raises(UsageError, match="cannot be used as the emulator's state"):
        open_state(file, EmulatorSettings())
    assert file.read_bytes() == before
    with pytest.raises(UsageError):
        open_state(tmp_path / "nowhere" / "state", EmulatorSettings())


@pytest.mark.parametrize(
    ("script", "owner", "status"),
    [(FIRST_FORMAT, "emulated-organization", RunStatus.COMPLETED), (SECOND_FORMAT, "acme", RunStatus.FAILED)],
)
def test_a_file_of_an_earlier_format_is_upgraded(tmp_path: Path, script: str, owner: str, status: RunStatus) -> None:
    file = tmp_path / "state"
    with closing(sqlite3.connect(file)) as database:
        database.executescript(script)
    store = open_state(file, EmulatorSettings())
    assert [(run.name, run.organization, run.lifecycle) for run in store.runs] == [
        ("old-run", owner, Lifecycle(1.0, 20.0, status))
    ]
    store.delete(store.runs[0], T + 5)
    store.close()
    again = open_state(file, EmulatorSettings())
    assert again.runs[0].deleted_at == T + 5
    again.close()


def test_a_file_of_a_later_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version=4")
    with pytest.raises(UsageError, match="it has format 4, not 3"):
        open_state(file, EmulatorSettings())


def test_how_a_run_fails_and_is_forgotten_survives(tmp_path: Path) -> None:
    rule = FailRule(where="--region us", code="RUN_LOST", message="no such table")
    settings = EmulatorSettings(fail_where=(rule,), gone_rate=1, gone_after_s=9, odd_status_rate=1)
    first = open_state(tmp_path / "state", settings)
    first.commit(name="n", region="r", runtime="tiny", timeout_s=99, payload=b"{}", now=T, args=["--region", "us"])
    first.close()
    second = open_state(tmp_path / "state", EmulatorSettings())
    assert list(second.runs) == list(first.runs)
    assert second.runs[0].lifecycle.failure == Failure(code="RUN_LOST", message="no such table")
    assert second.runs[0].deleted_at == T + 9
    assert not second.is_uniform(None)
    second.close()


def test_cancellations_and_deletions_are_replayed_in_their_order(tmp_path: Path) -> None:
    settings = EmulatorSettings(capacity_runs=1, startup_s=0, run_s=100)
    first = open_state(tmp_path / "state", settings)
    for number in range(4):
        first.commit(name=f"n{number}", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T + number)
    first.delete(first.runs[0], T + 10)
    first.cancel(first.runs[1], T + 20)
    first.delete(first.runs[2], T + 30)
    first.advance(T + 50)
    first.close()
    second = open_state(tmp_path / "state", settings)
    second.advance(T + 50)
    assert list(second.runs) == list(first.runs)
    assert second.runs[3].started_at == T + 30
    second.close()


def test_a_file_belongs_to_one_emulator_at_a_time_which_says_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "state"
    first = open_state(file, EmulatorSettings())
    with pytest.raises(StateInUseError, match="another emulator keeps its runs there") as silent:
        open_state(file, EmulatorSettings())
    assert silent.value.url is None
    first.serve_at("http://127.0.0.1:1")
    first.serve_at("http://127.0.0.1:2")
    with pytest.raises(StateInUseError, match="another emulator at http://127") as served:
        open_state(file, EmulatorSettings())
    assert served.value.url == "http://127.0.0.1:2"
    first.close()
    first.close()
    open_state(file, EmulatorSettings()).close()


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_state(tmp_path / "state", EmulatorSettings()).close()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/null")):
        with pytest.raises(UsageError, match="cannot be used as the emulator's state"):
            open_state(path, EmulatorSettings())
    assert Path("/dev/null").is_char_device()
