"""Of the service's API only creating runs is official: where another call is refused, a command says so once and continues."""

import json
import urllib.request
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from tests.cli.conftest import KEY, Run

STATUSES = pytest.mark.parametrize("status", [404, 403])
ENDED = {"api_key": KEY, "startup_s": 0, "run_s": 0.05, "billing_delay_s": 0}
ACTIVE = {"api_key": KEY, "startup_s": 0, "run_s": 600}


def refuse(server: EmulatorServer, call: str, status: int) -> None:
    data = json.dumps({"refused_calls": {call: status}}).encode()
    head = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{server.url}/_emulator/config", data, head, method="PUT")).close()


def sentences(text: str, call: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("note:", "error:")) and call in line]


@pytest.mark.slow
@STATUSES
@pytest.mark.parametrize(
    ("call", "named"), [("list", "GET /runs:"), ("get", "GET /runs/{id}:"), ("organization", "GET /organization")]
)
def test_following_does_without_it(
    batchrun: Run, sweep: Path, tmp_path: Path, call: str, named: str, status: int
) -> None:
    with EmulatorServer(EmulatorSettings.model_validate(ACTIVE)) as server:
        reach = ("--base-url", server.url)
        assert batchrun("submit", sweep, *reach, "--rate", "500", "-y", "-q").status == 0
        refuse(server, call, status)
        commands: list[tuple[str | Path, ...]] = [
            ("runs", sweep, "--refresh"),
            ("report", sweep, "--refresh", "-o", tmp_path / "report.html"),
            ("watch", sweep, "--timeout", "1s", "--read-rate", "100"),
        ]
        for words in commands:
            ended = batchrun(*words, *reach)
            assert ended.status == (3 if words[0] == "watch" else 0), ended.err
            said = len(sentences(ended.err, named))
            assert said == (call == "list") or (words[0] == "watch" and said == 0), ended.err  # it may end before


@pytest.mark.slow
@STATUSES
def test_costs_are_taken_from_metrics(batchrun: Run, sweep: Path, tmp_path: Path, status: int) -> None:
    with EmulatorServer(EmulatorSettings.model_validate(ENDED)) as server:
        reach = ("--base-url", server.url)
        assert batchrun("submit", sweep, *reach, "--rate", "500", "-y", "-q", "-w").status == 0
        refuse(server, "costs", status)
        costs = batchrun("costs", sweep, "--refresh", *reach)
        assert (costs.status, "spatial units" in costs.out) == (0, True)
        assert len(sentences(costs.err, "POST /usage/costs")) == 1
        report = batchrun("report", sweep, "--refresh", "-o", tmp_path / "report.html", *reach)
        assert (report.status, len(sentences(report.err, "POST /usage/costs"))) == (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("status", "most"), [(404, 4), (403, 1)])
def test_a_thousand_logs_that_cannot_be_read_are_not_a_thousand_notes(
    batchrun: Run, sweep: Path, tmp_path: Path, status: int, most: int
) -> None:
    failing = {**ENDED, "failure_rate": 1.0}
    with EmulatorServer(EmulatorSettings.model_validate(failing)) as server:
        reach = ("--base-url", server.url)
        assert batchrun("submit", sweep, *reach, "--rate", "500", "-y", "-q", "-w").status == 1
        refuse(server, "logs", status)
        for words in (("--failed",), ("--save", tmp_path / "logs")):
            ended = batchrun("logs", sweep, *words, *reach)
            assert ended.status == 1
            notes = sentences(ended.err, "/logs")
            assert len(notes) == most
            assert status == 403 or notes[-1].startswith("note: 9 other runs: ")
