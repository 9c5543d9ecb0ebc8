"""``batchrun recover``: a lost ledger is rebuilt, and submitting continues with nothing made twice."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.ledger.check import check
from batchrun.ledger.clock import timestamp
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_state
from tests.cli.conftest import KEY, Ended, Run
from tests.cli.service import configure, create, runs, times
from tests.cli.terminal import COMMAND

Do = Callable[..., Ended]
LEDGER = "jobs.ledger.jsonl"
QUICK = ("--settle-after", "0.2s")


@pytest.fixture
def do(batchrun: Run, sweep: Path, server: EmulatorServer) -> Do:
    """Runs a command on the sweep against the service."""

    def run(command: str, *words: str | Path) -> Ended:
        return batchrun(command, sweep, *words, "--base-url", server.url)

    return run


def outcomes(folder: Path) -> dict[Outcome, int]:
    return {outcome: count for outcome, count in read_state(folder / LEDGER).counts.items() if count}


def test_a_batch_whose_ledger_was_lost_midway_is_finished_with_each_run_once(
    do: Do, sweep: Path, server: EmulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = sweep.read_text().replace("year = { from = 2021, to = 2024 }", "year = { from = 1901, to = 2000 }")
    sweep.write_text(text.replace('"--year", "{{year}}"]', '"--year", "{{year}}", "--token", "{{env.TOKEN}}"]'))
    configure(server, faults={"reset_after_commit": 0.1}, list_name_match="substring")
    command: list[str | Path] = [COMMAND, "submit", sweep, "--base-url", server.url, "--rate", "200", "--quiet"]
    environ = {**os.environ, "WHEROBOTS_API_KEY": KEY, "TOKEN": "before"}
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while len(runs(server)) < 150:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    existed = len(runs(server))
    (tmp_path / LEDGER).unlink()
    monkeypatch.setenv("TOKEN", "after")  # values of the environment may have changed since
    recovered = do("recover", *QUICK)
    assert recovered.status == 0, recovered.err
    assert f"300 runs: {existed} submitted, {300 - existed} pending, 0 unknown" in recovered.out
    assert outcomes(tmp_path) == {Outcome.SUBMITTED: existed}
    assert check(tmp_path / LEDGER).findings == []
    submitted = do("submit", "--rate", "500", "--quiet", *QUICK)
    assert submitted.status == 0, submitted.err
    assert len(runs(server)) == 300
    assert times(server) == {1}
    assert do("verify", "--rate", "1000").status == 0
    assert check(tmp_path / LEDGER).findings == []


def test_recovering_needs_no_values_of_the_environment(
    do: Do, sweep: Path, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep.write_text(sweep.read_text().replace('"--year", "{{year}}"]', '"--year", "{{year}}", "{{env.TOKEN}}"]'))
    arguments = ["--site", "nyc", "--year", "2021", "whatever it was"]
    create(server, "nyc", 2021, runPython={"uri": "s3://acme/jobs/job.py", "args": arguments})
    ended = do("recover", *QUICK)
    assert ended.status == 0, ended.err
    assert "1 submitted, 11 pending, 0 unknown" in ended.out
    monkeypatch.setenv("TOKEN", "whatever it is")
    assert "--extend" in do("submit", "--quiet").err  # nobody knows what the lost batch was submitted with
    assert do("submit", "--extend", "--rate", "500", "--quiet", *QUICK).status == 0
    assert times(server) == {1}


def test_without_a_run_at_the_service_there_is_nothing_to_recover(do: Do, tmp_path: Path) -> None:
    ended = do("recover", *QUICK)
    assert ended.status == 2
    assert "the service lists no run of this sweep: there is nothing to recover" in ended.err
    assert not (tmp_path / LEDGER).exists()


def test_what_is_there_is_never_overwritten(do: Do, server: EmulatorServer, tmp_path: Path) -> None:
    create(server, "nyc", 2021)
    places = {"empty": tmp_path / "empty", "dangling": tmp_path / "dangling", "folder": tmp_path}
    places["empty"].touch()
    places["dangling"].symlink_to(tmp_path / "nowhere")
    for path in places.values():
        ended = do("recover", "--ledger", path, *QUICK)
        assert ended.status == 4
        assert "the file exists and is not overwritten" in ended.err
    assert places["empty"].read_bytes() == b""
    assert not (tmp_path / "nowhere").exists()
    assert do("recover", *QUICK).status == 0
    before = (tmp_path / LEDGER).read_bytes()
    assert do("recover", *QUICK).status == 4
    assert (tmp_path / LEDGER).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "empty", LEDGER, "jobs.toml"]


def test_doubtful_runs_stay_unknown_and_are_never_sent(do: Do, server: EmulatorServer, tmp_path: Path) -> None:
    first = create(server, "nyc", 2021)
    twice = [create(server, "lax", 2022), create(server, "lax", 2022)]
    odd = create(server, "ord", 2023, runtime="large")
    ended = do("recover", *QUICK)
    assert ended.status == 1
    assert f"job-lax-2022  more than one run matches: {', '.join(twice)}" in ended.out
    assert f"job-ord-2023  the payload differs: {odd}" in ended.out
    assert "1 submitted, 9 pending, 2 unknown" in ended.out
    assert outcomes(tmp_path) == {Outcome.SUBMITTED: 1, Outcome.UNKNOWN: 2}
    assert {run.run_id for run in read_state(tmp_path / LEDGER).runs.values()} == {first, None}
    for _ in range(2):
        submitted = do("submit", "--rate", "500", "--quiet", *QUICK)
        assert submitted.status == 1
        assert "job-lax-2022: its outcome stays unknown; more than one run matches" in submitted.err
    assert len(runs(server)) == 4 + 9
    assert do("resolve", "job-lax-2022", "--adopt", twice[1], "--yes").status == 0
    assert do("resolve", "job-ord-2023", "--resend", "--not-ours", "--yes").status == 0
    assert do("submit", "--quiet", *QUICK).status == 0
    assert len(runs(server)) == 4 + 10
    (finding,) = check(tmp_path / LEDGER).findings
    assert finding.fact.endswith(f"also {twice[0]}")
    document = do("verify", "--json").document
    assert [(one["kind"], one["name"]) for one in document["findings"]] == [("twice", "job-lax-2022")]


def test_verify_compares_runs_that_are_older_than_a_rebuilt_ledger(do: Do, server: EmulatorServer) -> None:
    configure(server, clock_offset_s=-100)
    create(server, "nyc", 2021)
    other = create(server, "nyc", 2021, runtime="large")
    twice = [create(server, "lax", 2022), create(server, "lax", 2022)]
    configure(server, clock_offset_s=0)
    assert do("recover", *QUICK).status == 1
    assert do("submit", "--quiet", *QUICK).status == 1
    found = do("verify", "--json").document["findings"]
    held = {(one["kind"], one["name"]): [(run["run_id"], run["fit"]) for run in one["held"]] for one in found}
    assert held == {
        ("twice", "job-nyc-2021"): [(other, "odd")],
        ("unknown", "job-lax-2022"): [(run_id, "ours") for run_id in twice],
    }


def test_runs_from_before_belong_to_another_batch(do: Do, server: EmulatorServer, tmp_path: Path) -> None:
    configure(server, clock_offset_s=-86_400)
    for year in (2021, 2022):
        create(server, "nyc", year)
    configure(server, clock_offset_s=0)
    create(server, "nyc", 2021)
    since = timestamp(time.time() - 3600)
    ended = do("recover", "--since", since, *QUICK)
    assert ended.status == 0, ended.err
    assert "1 submitted, 11 pending, 0 unknown" in ended.out
    assert do("submit", "--rate", "500", "--quiet", *QUICK).status == 0
    assert len(runs(server)) == 3 + 11
    (tmp_path / LEDGER).unlink()
    assert "more than one run matches" in do("recover", *QUICK).out
    (tmp_path / LEDGER).unlink()
    assert "there is nothing to recover" in do("recover", "--since", "0s", *QUICK).err


def test_a_run_that_becomes_visible_late_is_not_taken_for_absent(
    do: Do, server: EmulatorServer, tmp_path: Path
) -> None:
    create(server, "nyc", 2021)
    time.sleep(1)
    configure(server, list_lag_s=0.9)
    create(server, "nyc", 2022)
    ended = do("recover", "--settle-after", "0.5s")
    assert ended.status == 0, ended.err
    assert outcomes(tmp_path) == {Outcome.SUBMITTED: 2}


def test_a_rerun_that_becomes_visible_late_is_recovered_too(do: Do, server: EmulatorServer, tmp_path: Path) -> None:
    for site in ("nyc", "lax", "ord"):
        for year in (2021, 2022, 2023, 2024):
            create(server, site, year)
    time.sleep(1)
    configure(server, list_lag_s=0.9)
    create(server, "nyc", 2022, name="job-nyc-2022-r2")
    ended = do("recover", "--settle-after", "0.5s")
    assert ended.status == 0, ended.err
    assert "looking for reruns again" in ended.err
    assert sum(run.generation for run in read_state(tmp_path / LEDGER).runs.values()) == 13


def test_lists_that_end_early_leave_nothing_pending_that_exists(do: Do, server: EmulatorServer, tmp_path: Path) -> None:
    for year in (2021, 2022, 2023, 2024):
        create(server, "nyc", year)
    configure(server, list_max_items=2)
    assert do("recover", *QUICK).status == 0
    assert outcomes(tmp_path) == {Outcome.SUBMITTED: 4}
    (tmp_path / LEDGER).unlink()
    for year in (2021, 2021, 2021):
        create(server, "lax", year)
    ended = do("recover", *QUICK)
    assert "more than one run matches" in ended.out
    assert do("submit", "--rate", "500", "--quiet", *QUICK).status == 1
    assert len(runs(server)) == 7 + 7


def test_lists_that_end_early_hide_no_rerun(do: Do, server: EmulatorServer, tmp_path: Path) -> None:
    for name in ("job-nyc-2021", "job-nyc-2021-r2", "job-nyc-2021-r3"):
        create(server, "nyc", 2021, name=name)
    for year in (2022, 2023, 2024):
        create(server, "nyc", year)
    configure(server, list_max_items=2)
    ended = do("recover", *QUICK)
    assert (ended.status, "4 submitted, 8 pending, 0 unknown" in ended.out) == (0, True), ended.out
    assert sum(run.generation for run in read_state(tmp_path / LEDGER).runs.values()) == 6


def test_runs_whose_lists_stay_incomplete_are_counted(do: Do, server: EmulatorServer) -> None:
    create(server, "nyc", 2021, name="another-job-nyc-2021")
    for year in (2021, 2022):
        create(server, "nyc", year)
    configure(server, list_max_items=1, list_name_match="substring")
    ended = do("recover", *QUICK)
    assert ended.status == 1
    assert "2 submitted, 10 pending, 0 unknown" in ended.out
    assert "the lists of 1 recovered run are incomplete: there may be reruns that were not seen" in ended.out


def test_a_rerun_of_a_doubtful_run_is_known_to_the_new_ledger(do: Do, server: EmulatorServer, tmp_path: Path) -> None:
    odd = create(server, "nyc", 2021, runtime="large")
    rerun = create(server, "nyc", 2021, name="job-nyc-2021-r2")
    ended = do("recover", *QUICK)
    assert ended.status == 1
    assert f"job-nyc-2021-r2  the payload differs: {odd}; rerun as job-nyc-2021-r2: {rerun}" in ended.out
    assert check(tmp_path / LEDGER).findings == []
    do("submit", "--rate", "500", "--quiet", *QUICK)
    do("resolve", "job-nyc-2021-r2", "--adopt", rerun, "--yes")
    assert len(runs(server)) == 2 + 11
    (known,) = (run for run in read_state(tmp_path / LEDGER).runs.values() if run.generation > 1)
    assert known.run_id == rerun
    found = do("verify", "--json").document["findings"]
    assert [(one["kind"], one["name"], one["held"][0]["run_id"]) for one in found] == [("twice", "job-nyc-2021", odd)]


@pytest.mark.parametrize("status", [403, 404])
def test_where_lists_are_refused_nothing_is_recovered(
    do: Do, server: EmulatorServer, tmp_path: Path, status: int
) -> None:
    create(server, "nyc", 2021)
    configure(server, refused_calls={"list": status})
    ended = do("recover", *QUICK)
    assert ended.status == 3
    assert ended.err.count("\n") == 1
    assert "without lists nothing can be recovered" in ended.err
    assert not (tmp_path / LEDGER).exists()


def test_a_time_must_be_one(do: Do) -> None:
    for text in ("yesterday", "2026-13-01", "", "5 weeks"):
        ended = do("recover", "--since", text, *QUICK)
        assert ended.status == 2
        assert f"--since: '{text}' is not a time; use a date such as 2026-11-24" in ended.err


def test_json_accounts_for_every_run(do: Do, server: EmulatorServer) -> None:
    create(server, "nyc", 2021)
    odd = create(server, "ord", 2023, runtime="large")
    ended = do("recover", "--json", *QUICK)
    assert ended.document["outcomes"] == {"submitted": 1, "pending": 10, "unknown": 1}
    assert ended.document["unknown"][0] | {"key": ""} == {
        "name": "job-ord-2023",
        "key": "",
        "reason": f"the payload differs: {odd}",
        "run_ids": [odd],
    }
    assert ended.document["exit_status"] == ended.status == 1
