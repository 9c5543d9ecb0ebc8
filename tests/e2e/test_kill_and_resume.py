"""The main job: killed at random moments by a service that loses answers, and every run is created once."""

import json
import random
import shlex
import signal
import time
from pathlib import Path

import pytest

from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_state
from tests.e2e.conftest import KEY, Command, emulating

RUNS = 2000
KILLS = 6


@pytest.mark.e2e
@pytest.mark.slow
def test_killed_six_times_each_planned_run_exists_exactly_once(command: Command, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    sweep = command.sweep(RUNS)
    faults = ("--fault", "reset_after_commit=0.05", "--fault", "error_after_commit=0.05")
    limit = ("--rate-limit", "300", "--burst", "50", "--seed", str(seed % 1000))
    with emulating(*faults, *limit) as emulator:
        submit = ("submit", sweep, "--base-url", emulator.url, "--rate", "280", "--concurrency", "32", "--yes")
        for _ in range(KILLS):
            process = command.start(*submit)
            time.sleep(moments.uniform(0.7, 2.2))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        done = command.run(*submit, "--json")
        status = command.run("status", "sweep.ledger.jsonl", "--json")
        names = emulator.names()

    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    assert len(names) == RUNS, f"seed {seed}"
    assert len(set(names)) == RUNS
    state = read_state(tmp_path / "sweep.ledger.jsonl")
    assert state.count(Outcome.SUBMITTED) == RUNS
    assert sum(state.count(outcome) for outcome in Outcome) == RUNS
    assert json.loads(status.stdout)["outcomes"]["submitted"] == RUNS
    assert KEY not in done.stdout + done.stderr + command.ledger_text()


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_batch_says_how_to_go_on_and_goes_on(
    command: Command, number: signal.Signals, status: int
) -> None:
    sweep = command.sweep(400)
    with emulating() as emulator:
        process = command.start("submit", sweep, "--base-url", emulator.url, "--rate", "100")
        emulator.wait_for_runs(20)
        process.send_signal(number)
        began = time.monotonic()
        out, err = process.communicate(timeout=40)
        said = out + err
        assert process.returncode == status, said
        assert time.monotonic() - began < 30
        resume = shlex.split(
            next(line for line in said.splitlines() if "batchrun resume" in line).partition("batchrun ")[2]
        )
        assert 0 < len(emulator.names()) < 400
        done = command.run(*resume, "--rate", "1000", "--concurrency", "32")
        assert done.returncode == 0, done.stderr
        assert sorted(emulator.names()) == sorted(set(emulator.names()))
        assert len(emulator.names()) == 400
        again = command.run("submit", sweep, "--base-url", emulator.url)
        assert again.returncode == 0
        assert "already submitted" in again.stdout + again.stderr


@pytest.mark.e2e
def test_a_wrong_key_stops_at_once_with_nothing_lost(command: Command, tmp_path: Path) -> None:
    sweep = command.sweep(100)
    with emulating("--fault", "forbidden=1") as emulator:
        refused = command.run("submit", sweep, "--base-url", emulator.url)
        assert emulator.names() == []
    assert refused.returncode == 3, refused.stderr
    assert "the API key was refused" in refused.stderr
    assert "Traceback" not in refused.stderr
    state = read_state(tmp_path / "sweep.ledger.jsonl")
    assert state.count(Outcome.PENDING) == 100


@pytest.mark.e2e
def test_three_mistakes_are_three_messages(command: Command, tmp_path: Path) -> None:
    text = (tmp_path / command.sweep(10)).read_text()
    text = text.replace("{{tile}}", "{{tyle}}", 1).replace('"--band", "{{band}}"', '"--band", "{band}"')
    (tmp_path / "sweep.toml").write_text(text.replace('"tiny"', '"tyni"'))
    refused = command.run("submit", "sweep.toml", "--base-url", "http://127.0.0.1:9")
    assert refused.returncode == 2
    assert "unknown name 'tyle'; did you mean 'tile'?" in refused.stderr
    assert "'{band}' in single braces; did you mean {{band}}?" in refused.stderr
    assert "'tyni' is not a runtime; did you mean 'tiny'?" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "sweep.ledger.jsonl").exists()


@pytest.mark.e2e
def test_points_from_standard_input_are_there_when_the_batch_is_resumed(command: Command, tmp_path: Path) -> None:
    text = (tmp_path / command.sweep(10)).read_text()
    axes = '[axes.tile]\nfile = "-"\n\n[axes]\n'.replace("[axes]\n", "")
    text = text.replace("{{tile}}", "{{tile.id}}").replace("tile = { from = 10001, to = 10005 }\n", "")
    (tmp_path / "sweep.toml").write_text(text.replace("[submit]", f"{axes}[submit]"))
    points = "".join(f'{{"id": "t{n:03d}"}}\n' for n in range(50))
    with emulating() as emulator:
        process = command.start("submit", "sweep.toml", "--base-url", emulator.url, "--rate", "40", stdin=True)
        assert process.stdin is not None
        process.stdin.write(points)
        process.stdin.close()
        emulator.wait_for_runs(10)
        process.kill()
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdout, process.stderr:
            process.wait()
        resume = ("resume", "sweep.ledger.jsonl", "--base-url", emulator.url, "--rate", "1000")
        done = command.run(*resume)
        assert done.returncode == 0, done.stderr
        assert len(emulator.names()) == len(set(emulator.names())) == 100
