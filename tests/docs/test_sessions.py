"""Sessions that need a service in a certain state show what the command prints in that state."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import load_settings
from tests.docs.test_pages import ROOT, steps

pytestmark = pytest.mark.e2e

SWEEP = """\
version = 1

[run]
name    = "ndvi-{{region}}-{{year}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/ndvi.py"
args    = ["--region", "{{region}}", "--year", "{{year}}"]

[axes]
region = ["us", "eu", "ap"]
year   = { from = 2021, to = 2024 }

[submit]
settle_after = "0.2s"
"""
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"\b(?=[a-z]*\d)[a-z0-9]{14}\b|\b[a-z]{14}\b(?=  )"), "ID"),
    (re.compile(r"\d+(?:\.\d+)? s\b|(?<![-\d])\d+ (?=runs?\b|created|submitted|pending)"), "N "),
)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    """A service with the runs of ``sweep.toml``, whose ledger is next to it."""
    (tmp_path / "sweep.toml").write_text(SWEEP, "utf-8")
    with EmulatorServer(load_settings(None, {"startup_s": 0})) as server:
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("WHEROBOTS_API_BASE_URL", server.url)
        monkeypatch.setenv("WHEROBOTS_API_KEY", "any-key-will-do")
        monkeypatch.setenv("COLUMNS", "200")
        printed("batchrun submit sweep.toml --yes", tmp_path)
        yield server


def printed(command: str, folder: Path) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", f"{command} 2>&1"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.splitlines()


def shown(page: str, number: int = 0) -> list[tuple[str, list[str]]]:
    """The commands of a page's session that is only shown, each with its lines."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return steps(re.findall(r"^```console only-shown\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[number])


def settled(line: str) -> str:
    for pattern, name in VARYING:
        line = pattern.sub(name, line)
    return " ".join(line.split())


def check(session: list[tuple[str, list[str]]], folder: Path) -> None:
    for command, expected in session:
        found = [settled(line) for line in printed(command, folder)]
        assert [settled(line) for line in expected if settled(line) not in found] == [], "\n".join(found)


def ledger_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "sweep.ledger.jsonl").read_text("utf-8").splitlines()]


def write_ledger(folder: Path, lines: list[dict[str, Any]]) -> None:
    (folder / "sweep.ledger.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


def delete(service: EmulatorServer, name: str) -> None:
    httpx.post(f"{service.url}/_emulator/delete", json={"names": [name]}).raise_for_status()


def of(lines: list[dict[str, Any]], event: str, name: str) -> dict[str, Any]:
    return next(line for line in lines if line["event"] == event and line.get("name") == name)


def sent_again(lines: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The ledger as if the first attempt had got no response."""
    first, created = of(lines, "attempt", name), of(lines, "submitted", name)
    lost = {"event": "unknown", "at": first["at"], "key": first["key"], "n": 1, "reason": "connection reset by peer"}
    absent = {"event": "absent", "at": first["at"], "key": first["key"], "n": 1}
    at = lines.index(created)
    return [*lines[:at], lost, absent, first | {"n": 2}, created | {"n": 2}, *lines[at + 1 :]]


def test_the_page_shows_what_resolve_prints(service: EmulatorServer, tmp_path: Path) -> None:
    lines = sent_again(ledger_of(tmp_path), "ndvi-us-2022")
    write_ledger(
        tmp_path,
        [line for line in lines if line not in (of(lines, "submitted", f"ndvi-us-{year}") for year in (2021, 2022))],
    )
    delete(service, "ndvi-us-2022")
    httpx.put(f"{service.url}/_emulator/config", json={"payload_rewrites": ["mask_argument"]}).raise_for_status()
    check(shown("how-to/unknown-runs.md", 0), tmp_path)


def test_the_page_shows_what_verify_prints(service: EmulatorServer, tmp_path: Path) -> None:
    write_ledger(tmp_path, sent_again(ledger_of(tmp_path), "ndvi-us-2022"))
    (twice,) = (run for run in service.runs() if run["name"] == "ndvi-us-2022")
    httpx.post(
        f"{service.url}/runs",
        params={"region": "aws-us-west-2"},
        json=twice["payload"],
        headers={"X-API-Key": "any-key-will-do"},
    ).raise_for_status()
    delete(service, "ndvi-us-2021")
    check(shown("how-to/unknown-runs.md", 1), tmp_path)


def test_the_page_shows_what_recover_prints(service: EmulatorServer, tmp_path: Path) -> None:
    delete(service, "ndvi-eu-*")
    (tmp_path / "sweep.ledger.jsonl").unlink()
    check(shown("how-to/unknown-runs.md", 2), tmp_path)


def test_the_page_shows_what_a_changed_sweep_prints(service: EmulatorServer, tmp_path: Path) -> None:
    assert service.runs()
    (tmp_path / "sweep.toml").write_text(SWEEP.replace("2024", "2025"), "utf-8")
    (command, (line,)), *_ = shown("how-to/resume.md")
    pattern = ".*".join(map(re.escape, line.replace("us-west", "us").split("...")))
    assert re.fullmatch(pattern, "\n".join(printed(command, tmp_path)), re.DOTALL)


def test_the_page_shows_how_runs_are_deleted(service: EmulatorServer, tmp_path: Path) -> None:
    ((command, (line,)),) = shown("emulator.md", 2)
    command = command.replace("http://127.0.0.1:8080", service.url).replace("ndvi-2024-*", "ndvi-*-2024")
    assert json.loads(printed(command, tmp_path)[0]).keys() == json.loads(line).keys()


def test_the_page_shows_how_runs_are_counted(service: EmulatorServer, tmp_path: Path) -> None:
    *_, (command, _) = shown("emulator.md", 1)
    assert printed(command.replace("http://127.0.0.1:8080", service.url), tmp_path)[-1].strip() == "12"
