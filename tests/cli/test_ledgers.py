"""A sweep may be given wherever a ledger is expected: the ledger beside it is meant."""

import os
import re
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.errors import LedgerError
from batchrun.ledger.find import find_ledger, find_ledgers
from batchrun.ledger.location import default_ledger
from tests.cli.conftest import Run

PLAN = '{"batchrun_plan": 1, "name": "jobs"}\n'


def touched(path: Path, text: str = "") -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["jobs.toml", "jobs.jsonl", "jobs"])
def test_a_sweep_means_the_ledger_beside_it(tmp_path: Path, name: str) -> None:
    ledger = touched(tmp_path / "jobs.ledger.jsonl")
    sweep = touched(tmp_path / name, PLAN)
    assert default_ledger(sweep) == ledger
    assert find_ledger(sweep) == ledger


def test_its_runs_in_the_emulator_have_a_ledger_of_their_own(tmp_path: Path) -> None:
    sweep = touched(tmp_path / "jobs.toml")
    real, emulated = touched(tmp_path / "jobs.ledger.jsonl"), touched(tmp_path / "jobs.emulator.ledger.jsonl")
    assert find_ledger(sweep) == real
    assert find_ledger(sweep, emulator=True) == emulated


def test_a_manifest_that_is_gone_still_names_its_ledger(tmp_path: Path) -> None:
    ledger = touched(tmp_path / "jobs.ledger.jsonl")
    assert find_ledger(tmp_path / "jobs.toml") == ledger


@pytest.mark.parametrize("name", ["jobs.ledger.jsonl", "kept.jsonl", "kept", "jobs.emulator.ledger.jsonl"])
def test_a_ledger_is_itself_whatever_its_name(tmp_path: Path, name: str) -> None:
    path = touched(tmp_path / name, '{"event":"batch"}\n')
    assert find_ledger(path) == find_ledger(path, emulator=True) == path


def test_a_ledger_that_is_meant_twice_is_one(tmp_path: Path) -> None:
    ledger = touched(tmp_path / "jobs.ledger.jsonl")
    assert find_ledgers([tmp_path / "jobs.toml", ledger]) == (ledger,)


def test_a_sweep_that_was_never_submitted_says_so(tmp_path: Path) -> None:
    sweep = touched(tmp_path / "jobs.toml")
    with pytest.raises(
        LedgerError, match=r"it has no ledger: .*jobs\.ledger\.jsonl does not exist; run batchrun submit "
    ):
        find_ledger(sweep)


@pytest.mark.parametrize(
    ("given", "fix"),
    [("job.toml", "did you mean .*/jobs.toml"), ("other.jsonl", "pass the path")],
)
def test_a_mistyped_path_suggests_what_is_there(tmp_path: Path, given: str, fix: str) -> None:
    touched(tmp_path / "jobs.toml")
    with pytest.raises(LedgerError, match=f"{given}: no such file; {fix}"):
        find_ledger(tmp_path / given)


@pytest.mark.parametrize(
    ("there", "emulator", "words"),
    [
        ("jobs.emulator.ledger.jsonl", False, "it was submitted only to the emulator: .*; add --emulator"),
        ("jobs.ledger.jsonl", True, "it was submitted not to the emulator: .*; omit --emulator"),
    ],
)
def test_the_other_ledger_is_named_and_not_taken(tmp_path: Path, there: str, emulator: bool, words: str) -> None:
    touched(tmp_path / there)
    with pytest.raises(LedgerError, match=words):
        find_ledger(touched(tmp_path / "jobs.toml"), emulator=emulator)


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "jobs.jsonl")
    assert find_ledger(tmp_path / "jobs.jsonl") == tmp_path / "jobs.jsonl"


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["resume"],
        ["resume", "--dry-run"],
        ["ledger", "check"],
        ["ledger", "compact"],
        ["ledger", "export", "-o", "runs.csv"],
        ["plan", "jobs.toml", "--diff"],
    ],
    ids=" ".join,
)
def test_every_command_that_takes_a_ledger_takes_its_sweep(
    batchrun: Run, sweep: Path, server: EmulatorServer, words: list[str]
) -> None:
    reach = ["--base-url", server.url]
    assert batchrun("submit", sweep, *reach, "--rate", "500", "--quiet").status == 0
    more = reach if words[0] == "resume" else []
    by_ledger = batchrun(*words, sweep.with_name("jobs.ledger.jsonl"), *more)
    by_sweep = batchrun(*words, sweep, *more)
    assert (by_sweep.status, by_ledger.status) == (0, 0), by_sweep.err
    if words != ["ledger", "compact"]:  # it changes what it reports on
        assert by_sweep.out == by_ledger.out


def test_the_emulators_ledger_is_not_the_services(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    assert batchrun("submit", sweep, "--emulator", "--rate", "500", "--quiet").status == 0
    real = batchrun("submit", sweep, "--base-url", server.url, "--rate", "500")
    assert real.status == 0, real.err
    assert re.search(r"submitted +12\n", real.out)
    assert sorted(path.name for path in sweep.parent.glob("*.jsonl")) == [
        "jobs.emulator.ledger.jsonl",
        "jobs.ledger.jsonl",
    ]
    assert "service:    emulator" in batchrun("status", sweep, "--emulator").out
    assert f"service:    {server.url}" in batchrun("status", sweep).out


@pytest.mark.parametrize("command", [("submit", "--emulator", "--yes"), ("report",), ("status",), ("plan",)])
@pytest.mark.parametrize("path", [".", "/"])
def test_a_folder_is_a_wrong_path_to_every_command(batchrun: Run, command: tuple[str, ...], path: str) -> None:
    found = batchrun(command[0], path, *command[1:])
    assert found.status in {2, 4}
    assert "directory" in found.err
    assert "Traceback" not in found.err
