"""Files, directories and outputs that few people use."""

import subprocess
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from tests.cli.conftest import Run, held
from tests.cli.terminal import COMMAND


def test_names_that_are_not_utf8_are_submitted_and_resumed(
    batchrun: Run, tmp_path: Path, sweep: Path, server: EmulatorServer
) -> None:
    folder = tmp_path / "d\udcff"
    folder.mkdir()
    odd = sweep.rename(folder / "sw\udcff.toml")
    reach = ("--base-url", server.url, "--rate", "1000")
    assert batchrun("submit", odd, *reach, "-y").status == 0
    ledger = folder / "sw\udcff.ledger.jsonl"
    for words in (["submit", odd], ["resume", ledger]):
        again = batchrun(*words, *reach, "-y")
        assert (again.status, again.out) == (0, "sw\\xff: nothing left to send: all 12 runs are already submitted\n")
    assert len(held(server)) == 12


def test_a_plan_whose_name_is_not_utf8_is_submitted(
    batchrun: Run, tmp_path: Path, sweep: Path, server: EmulatorServer
) -> None:
    plan = tmp_path / "p\udcff.plan.jsonl"
    assert batchrun("plan", sweep, "-o", plan).status == 0
    for _ in range(2):
        assert batchrun("submit", plan, "--base-url", server.url, "--rate", "1000", "-y").status == 0
    assert len(held(server)) == 12


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("words", [["status", "--json"], ["schema"]])
def test_a_result_that_cannot_be_written_is_no_success(tmp_path: Path, words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([COMMAND, *words], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
