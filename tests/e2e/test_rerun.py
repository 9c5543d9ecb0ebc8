"""Runs that failed are run again: generations right, nothing twice, nothing adopted across generations, whatever dies."""

import json
import re
import signal
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import anyio
import pytest

from batchrun.engine.rerun import failed_runs
from batchrun.engine.rerun_names import rerun_name
from batchrun.ledger.events import StatusEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_state
from batchrun.ledger.state import BatchState, Outcome, RunState
from batchrun.report.rows import read_rows
from tests.e2e.conftest import Command, emulating

pytestmark = pytest.mark.e2e


def mark(ledger: Path, status: str, names: Iterable[str]) -> None:
    """Let the ledger know that these runs have ended."""
    wanted, rows = set(names), read_rows(ledger).rows

    async def record() -> None:
        with FileLedger.open(ledger) as writing:
            for row in rows:
                if row.name in wanted and row.run_id is not None:
                    event = StatusEvent(
                        at=writing.clock.stamp(),
                        key=row.key,
                        run_id=row.run_id,
                        status=status,
                        start_time="2026-11-25T09:00:00Z",  # one that never started would be billed nothing
                        complete_time="2026-11-25T10:00:00Z",
                        code="RUN_FAIL_EXEC",
                        message="OutOfMemoryError: heap",
                    )
                    writing.record(event)
            await writing.flush()

    anyio.run(record)


def names_of(ledger: Path) -> list[str]:
    return [row.name for row in read_rows(ledger).rows]


def again(ledger: Path) -> int:
    """Runs whose second generation was created."""
    runs = read_state(ledger).runs.values()
    return sum(run.generation == 2 and run.outcome is Outcome.SUBMITTED for run in runs)


def test_failed_runs_are_run_again_with_other_settings_under_their_own_key(command: Command) -> None:
    with emulating() as emulator:
        url = ("--base-url", emulator.url)
        assert command.run("submit", command.sweep(10), *url).returncode == 0
        ledger = command.folder / "sweep.ledger.jsonl"
        failed = names_of(ledger)[:3]
        before = {row.name: (row.key, row.run_id) for row in read_rows(ledger).rows}
        mark(ledger, "FAILED", failed)

        asked = command.run("rerun", "sweep.toml", *url)
        assert (asked.returncode, "cannot ask 'Rerun 3 runs?' without a terminal; pass --yes" in asked.stderr) == (
            2,
            True,
        ), asked.stderr
        assert "3 runs to rerun: 3 FAILED" in asked.stderr
        dry = command.run("rerun", "sweep.toml", *url, "--dry-run", "--set", "run.runtime=large")
        assert (dry.returncode, len(emulator.held())) == (0, 10)

        ended = command.run(
            "rerun", "sweep.toml", *url, "--yes", "--reason", "outofmemory", "--set", "run.runtime=large"
        )
        assert ended.returncode == 0, ended.stderr
        assert "3 attempts in" in ended.stdout
        assert "retr" not in ended.stdout  # the first attempt of each generation is none
        again = [run for run in emulator.held() if run["name"].endswith("-r2")]
        assert {run["name"] for run in again} == {f"{name}-r2" for name in failed}
        assert {run["payload"]["runtime"] for run in again} == {"large"}
        rows = {row.name: row for row in read_rows(ledger).rows}
        for name in failed:
            row = rows[name]
            assert (row.key, row.generation, row.outcome) == (before[name][0], 2, Outcome.SUBMITTED)
            assert [(earlier.generation, earlier.run_id) for earlier in row.earlier] == [(1, before[name][1])]

        nothing = command.run("rerun", "sweep.toml", *url, "--yes")
        assert (nothing.returncode, "no run matches" in nothing.stdout) == (0, True)
        check = command.run("ledger", "check", "sweep.ledger.jsonl")
        assert check.returncode == 0, check.stdout
        compacted = command.run("ledger", "compact", "sweep.ledger.jsonl")
        assert compacted.returncode == 0, compacted.stderr
        assert {row.name: row.earlier != () for row in read_rows(ledger).rows} == {
            name: name in failed for name in rows
        }


def test_a_rerun_that_is_killed_under_lost_answers_creates_each_generation_once(command: Command) -> None:
    with emulating("--fault", "reset_after_commit=0.1", "--fault", "error_after_commit=0.05") as emulator:
        url = ("--base-url", emulator.url)
        assert command.run("submit", command.sweep(60), *url).returncode == 0
        ledger = command.folder / "sweep.ledger.jsonl"
        planned = names_of(ledger)
        mark(ledger, "TIMED_OUT", planned)
        process = command.start("rerun", "sweep.toml", *url, "--yes", "--rate", "40")
        for kill in range(3):
            until = time.monotonic() + 30
            while again(ledger) < 12 * (kill + 1) and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            process = command.start("resume", str(ledger), *url, "--rate", "40")
        _, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        held = Counter(emulator.names())
        assert held == Counter([*planned, *(f"{name}-r2" for name in planned)])
        ids = [row.run_id for row in read_rows(ledger).rows] + [
            earlier.run_id for row in read_rows(ledger).rows for earlier in row.earlier
        ]
        assert len(ids) == len(set(ids)) == 120
        assert command.run("ledger", "check", str(ledger)).returncode == 0


def test_a_limit_of_units_holds_through_kills_resumes_and_reruns(command: Command) -> None:
    config = command.folder / "emulator.toml"
    # The runs that are marked as ended below go on in truth. Metrics would say what they have used so far.
    config.write_text("run_s = 600\n[refused_calls]\nmetrics = 404\n")
    with emulating("--config", str(config)) as emulator:
        url = ("--base-url", emulator.url)
        process = command.start("submit", command.sweep(20), *url, "--rate", "8", "--stop-at-units", "35")
        emulator.wait_for_runs(3)  # five units each
        process.send_signal(signal.SIGKILL)
        process.communicate()
        ledger = command.folder / "sweep.ledger.jsonl"
        stopped = command.run("resume", str(ledger), *url, "--stop-at-units", "35")
        assert (stopped.returncode, len(emulator.held())) == (3, 7), stopped.stderr
        assert "up to 35 for 7 runs that have not ended or been billed" in stopped.stderr
        assert '"reason":"units"' in command.ledger_text().splitlines()[-1]

        mark(ledger, "FAILED", names_of(ledger)[:2])  # which says nothing about what they are billed
        again = command.run("rerun", "sweep.toml", *url, "--yes", "--stop-at-units", "35")
        assert (again.returncode, len(emulator.held())) == (3, 7), again.stderr
        resumed = command.run("resume", str(ledger), *url, "--stop-at-units", "110")
        assert resumed.returncode == 0, resumed.stderr
        assert Counter(emulator.names()) == Counter(
            [*names_of(ledger), *(f"{name}-r2" for name in names_of(ledger)[:2])]
        )


FAILING = """\
run_s = 0.5
startup_s = 0
fail_where = [{ where = "--band red", share = 1.0, message = "ValueError: empty tile" }]
"""


def test_failed_runs_are_run_again_in_the_same_command_however_often_it_dies(command: Command) -> None:
    config = command.folder / "emulator.toml"
    config.write_text(FAILING)
    with emulating("--config", str(config)) as emulator:
        flags = ("--base-url", emulator.url, "-w", "--rerun-failed", "2")
        process = command.start("submit", command.sweep(8), *flags)
        ledger = command.folder / "sweep.ledger.jsonl"
        for generation in (2, 3):
            until = time.monotonic() + 60
            while not any(name.endswith(f"-r{generation}") for name in emulator.names()) and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            process = command.start("resume", str(ledger), *flags)
        _, err = process.communicate(timeout=90)
        assert process.returncode == 1, err  # they failed to the last
        planned = names_of(ledger)
        red = [name for name in planned if name.endswith("red")]
        again = [f"{name}-r{generation}" for name in red for generation in (2, 3)]
        assert Counter(emulator.names()) == Counter([*planned, *again])
        listed = command.run("runs", "sweep.toml", "--all-generations", "--status", "failed", "--json")
        assert len(json.loads(listed.stdout)["runs"]) == 3 * len(red)
        over = command.run("resume", str(ledger), *flags)
        assert (over.returncode, len(emulator.held())) == (1, 8 + len(again)), over.stderr


def test_what_running_failed_runs_again_may_cost_is_said_before_anything_is_sent(command: Command) -> None:
    with emulating("--set", "run_s=0.1", "--set", "startup_s=0") as emulator:
        done = command.run("submit", command.sweep(2), "--base-url", emulator.url, "-w", "--rerun-failed", "3")
        assert done.returncode == 0, done.stderr
        line = "runs that fail are rerun up to 3 times each: at most 40 spatial units if every run fails each time"
        assert line in done.stderr
    refused = command.run("submit", "sweep.toml", "--rerun-failed", "3")
    assert (refused.returncode, "--rerun-failed: failed runs are noticed only" in refused.stderr) == (2, True)


def test_runs_that_somebody_cancelled_are_not_run_again_unasked() -> None:
    state = BatchState()
    for number, status in enumerate(("FAILED", "TIMED_OUT", "CANCELLED", "COMPLETED", "gone", "RUNNING")):
        state.runs[status] = RunState(outcome=Outcome.SUBMITTED, run_id=str(number), status=status)
    assert failed_runs(state, 1) == ["FAILED", "TIMED_OUT"]
    state.runs["FAILED"].begin_generation(2, {})
    assert failed_runs(state, 1) == ["TIMED_OUT"]
    assert failed_runs(state, 2) == ["FAILED", "TIMED_OUT"]


REFUSED = [
    (("--set", "run.rutnime=large"), "--set run.rutnime: unknown setting; did you mean 'run.runtime'?"),
    (
        ("--set", "run.name=x"),
        "--set run.name: a rerun keeps its name and adds a suffix such as -r2; omit it",
    ),
    (("--set", "axes.tile=[1]"), "--set axes.tile: only settings of [run] can change"),
    (("--set", "run.runtime=huge"), "--set run.runtime: 'huge' is not a runtime"),
    (("tile-nowhere",), "tile-nowhere: no run with this name or id in this batch"),
    (("--status", "failde"), "--status: unknown status 'failde'; did you mean 'failed'?"),
    (("--where", "bnad=red"), "--where bnad=red: unknown axis 'bnad'; did you mean 'band'?"),
    (("tile-10001-red",), "rerun: 1 of the runs has not ended, according to the ledger"),
]


def test_what_cannot_be_meant_is_refused_and_nothing_is_recorded(command: Command) -> None:
    with emulating() as emulator:
        assert command.run("submit", command.sweep(4), "--base-url", emulator.url).returncode == 0
        before = command.ledger_text()
        for words, message in REFUSED:
            refused = command.run("rerun", "sweep.toml", *words, "--yes", "--base-url", emulator.url)
            assert (refused.returncode, message in refused.stderr) == (2, True), refused.stderr
        assert command.ledger_text() == before
        assert len(emulator.held()) == 4


def test_a_rerun_of_a_changed_sweep_is_refused_and_not_recorded(command: Command) -> None:
    with emulating() as emulator:
        url = ("--base-url", emulator.url)
        sweep, data = command.folder / command.sweep(4), command.folder / "tiles.csv"
        text = sweep.read_text().replace("{{tile}}", "{{tile.id}}")
        sweep.write_text(re.sub(r"tile = \{.*\}", 'tile = { file = "tiles.csv" }', text))
        data.write_text("id\n1\n2\n")
        assert command.run("submit", sweep.name, *url).returncode == 0
        ledger = sweep.with_name("sweep.ledger.jsonl")
        mark(ledger, "FAILED", names_of(ledger))
        before = command.ledger_text()
        data.write_text("id\n1\n3\n")
        refused = command.run("rerun", sweep.name, "--yes", *url)
        assert (refused.returncode, "changed: tiles.csv" in refused.stderr) == (4, True), refused.stderr
        assert "again" not in refused.stderr
        assert command.ledger_text() == before


def test_names_of_later_generations_are_unique_and_short_enough() -> None:
    assert rerun_name("tile-1", "0" * 16, 2) == "tile-1-r2"
    assert rerun_name("tile-1", "0" * 16, 2, {"tile-1-r2"}) == f"tile-1-{'0' * 16}-r2"
    long = rerun_name("n" * 255, "0" * 16, 12)
    assert (len(long), long.endswith("-r12")) == (251, True)
