"""After a crash with hundreds of unknown attempts: few lists, the right runs adopted, and none made twice."""

import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from batchrun.cli import app
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings, Faults
from batchrun.engine.batch import new_batch
from batchrun.ledger.clock import timestamp
from batchrun.ledger.events import AttemptEvent, SessionEvent, UnknownEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import PlannedRun, build_plan
from tests.chaos.rounds import SWEEP


class Crashed:
    """A batch all of whose attempts were cut off by a crash."""

    def __init__(self, folder: Path, server: EmulatorServer, runs: int) -> None:
        self.server, self.path = server, folder / "chaos.ledger.jsonl"
        sweep = folder / "chaos.toml"
        sweep.write_text(SWEEP.format(runs=runs))
        self.plan = build_plan(Manifest.load(sweep), environ=os.environ)
        self.runs: Sequence[PlannedRun] = list(self.plan)

    def ledger(self, *, attempts_in_s: float = 0, garbled: bool = False) -> None:
        request = urllib.request.Request(f"{self.server.url}/organization", headers={"X-API-Key": "any"})
        with urllib.request.urlopen(request) as answer:
            organization = json.load(answer)["id"]
        anyio.run(self._write, timestamp(time.time() + attempts_in_s), organization, garbled)

    async def _write(self, at: str, organization: str, garbled: bool) -> None:
        with FileLedger.open(self.path, create=True) as ledger:
            await ledger.begin(new_batch(self.plan, self.server.url))
            start = SessionEvent(at=at, action="start", pid=1, host="h", server_offset_s=0.0, organization=organization)
            ledger.record(start)
            for run in self.runs:
                ledger.record(AttemptEvent(at=at, key=run.key, n=1))
                if garbled:
                    ledger.record(UnknownEvent(at=at, key=run.key, n=1, reason="no JSON", created=True))
            await ledger.flush()

    def create(self, run: PlannedRun, **changes: Any) -> None:
        """Create a run behind batchrun's back."""
        body = json.loads(run.body) | changes
        request = urllib.request.Request(
            f"{self.server.url}/runs?region={run.region}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-API-Key": "any"},
        )
        urllib.request.urlopen(request).close()

    def resume(self) -> tuple[int, BatchState]:
        words = ["resume", str(self.path), "--base-url", self.server.url, "--settle-after", "0.4s", "--rate", "2000"]
        return app.run([*words, "--quiet"]), read_state(self.path)

    def names(self) -> Counter[str]:
        with urllib.request.urlopen(f"{self.server.url}/_emulator/runs") as answer:
            return Counter(json.loads(line)["name"] for line in answer)

    def requests(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.server.url}/_emulator/stats") as answer:
            told: dict[str, Any] = json.load(answer)["requests"]
        return told


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    monkeypatch.setenv("WHEROBOTS_API_KEY", "any")
    with EmulatorServer(EmulatorSettings(list_name_match="substring")) as running:
        yield running


def test_hundreds_of_unknowns_are_settled_with_few_lists(server: EmulatorServer, tmp_path: Path) -> None:
    crashed = Crashed(tmp_path, server, 400)
    crashed.ledger()
    for run in crashed.runs[::2]:
        crashed.create(run)
    status, state = crashed.resume()
    assert status == 0
    assert state.settled == 200
    assert set(crashed.names().values()) == {1}
    assert len(crashed.names()) == 400
    lists = [sum(counts.values()) for call, counts in crashed.requests().items() if call.startswith("GET")]
    assert sum(lists) <= 40 + 200, crashed.requests()  # each run that is sent again is looked for right before


def test_a_run_of_the_same_name_from_before_is_not_adopted(server: EmulatorServer, tmp_path: Path) -> None:
    crashed = Crashed(tmp_path, server, 12)
    for run in crashed.runs:
        crashed.create(run)
    crashed.ledger(attempts_in_s=60)
    status, state = crashed.resume()
    assert (status, state.settled) == (0, 0)
    assert set(crashed.names().values()) == {2}


def test_a_run_with_another_payload_is_neither_adopted_nor_created_again(
    server: EmulatorServer, tmp_path: Path
) -> None:
    crashed = Crashed(tmp_path, server, 12)
    crashed.ledger()
    for run in crashed.runs:
        crashed.create(run, runtime="large")
    status, state = crashed.resume()
    assert (status, state.settled) == (1, 0)
    assert state.count(Outcome.UNKNOWN) == 12
    assert set(crashed.names().values()) == {1}


def test_real_duplicates_are_told_and_the_oldest_is_taken(
    server: EmulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crashed = Crashed(tmp_path, server, 12)
    crashed.ledger()
    for run in crashed.runs:
        crashed.create(run)
    crashed.create(crashed.runs[0])
    status, state = crashed.resume()
    assert (status, state.settled) == (0, 12)
    assert [len(others) for others in state.duplicates.values()] == [1]
    assert "the service holds 2 runs with this name" in capsys.readouterr().err


def test_a_2xx_that_could_not_be_read_is_never_sent_again(
    server: EmulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crashed = Crashed(tmp_path, server, 3)
    crashed.ledger(garbled=True)
    for _ in range(2):
        status, state = crashed.resume()
        assert status == 1
        assert state.count(Outcome.UNKNOWN) == 3
        assert "stays unknown" in capsys.readouterr().err
    assert crashed.names() == Counter()


def test_a_commit_that_comes_late_is_found_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEROBOTS_API_KEY", "any")
    settings = EmulatorSettings(
        late_commit_s=0.5, list_lag_s=0.2, faults=Faults.model_validate({"late_commit": "1@1-12"})
    )
    with EmulatorServer(settings) as server:
        late = Crashed(tmp_path, server, 12)
        words = ["submit", str(tmp_path / "chaos.toml"), "--base-url", server.url, "--settle-after", "1.5s", "--yes"]
        status = app.run([*words, "--timeout", "0.5s", "--concurrency", "12", "--rate", "100", "--quiet"])
        assert status == 0
        assert read_state(late.path).settled == 12
        assert set(late.names().values()) == {1}
        assert len(late.names()) == 12
