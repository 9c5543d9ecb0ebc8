"""Cancelling waits for the runs to end, and says what it knows when they do not."""

from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.errors import LedgerError
from tests.cli.conftest import KEY, Run

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
