"""doctor and plan --online, against an emulator: what works is said, what does not has a fix, and nothing is changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import load_settings
from tests.cli.conftest import KEY, MANIFEST, Run

LOCAL = MANIFEST.replace("s3://acme/jobs/job.py", "./job.py")


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    with EmulatorServer(load_settings(None, {"storage_regions": ["aws-eu-west-1"]})) as server:
        monkeypatch.setenv("WHEROBOTS_API_KEY", KEY)
        monkeypatch.setenv("WHEROBOTS_API_BASE_URL", server.url)
        yield server


def levels(document: dict[str, Any]) -> dict[str, str]:
    return {check["subject"]: check["level"] for check in document["checks"]}


def test_everything_in_place_is_said_line_by_line(batchrun: Run, emulated: EmulatorServer, tmp_path: Path) -> None:
    del emulated
    (tmp_path / "sweep.toml").write_text(MANIFEST)
    found = batchrun("doctor", "sweep.toml", "--json")
    assert found.status == 0, found.out
    assert {
        *("versions", "settings", "base URL", "sweep", "ledger", "disk"),
        *("proxy", "DNS", "connection", "API key", "clock", "organization"),
    } <= set(levels(found.document))
    assert set(levels(found.document).values()) == {"ok"}
    assert KEY not in found.out + found.err
    assert not (tmp_path / "sweep.ledger.jsonl").exists()


def test_without_a_key_it_says_how_to_get_one(batchrun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHEROBOTS_API_KEY")
    found = batchrun("doctor")
    assert found.status == 1
    assert "PROBLEM: API key: create a key in Wherobots Cloud, then: export WHEROBOTS_API_KEY=..." in found.out


@pytest.mark.parametrize("key", [" ", "two\nlines", "two words", "schlüssel"])
def test_a_key_that_cannot_be_one_is_a_problem(batchrun: Run, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("WHEROBOTS_API_KEY", key)
    found = batchrun("doctor", "--json")
    assert found.status == 1
    assert levels(found.document)["WHEROBOTS_API_KEY"] == "problem"


@pytest.mark.parametrize(
    ("variables", "flags", "source"),
    [
        ({}, (), "default"),
        ({"WHEROBOTS_API_URL": "https://a.test"}, (), "WHEROBOTS_API_URL"),
        ({"WHEROBOTS_API_URL": "https://a.test", "WHEROBOTS_API_BASE_URL": "https://b.test"}, (), "_API_BASE_URL"),
        ({"WHEROBOTS_API_BASE_URL": "https://b.test"}, ("--base-url", "https://c.test"), "--base-url"),
    ],
)
def test_the_base_url_comes_with_its_source(
    batchrun: Run, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], flags: tuple[str, ...], source: str
) -> None:
    monkeypatch.delenv("WHEROBOTS_API_KEY")
    for name in ("WHEROBOTS_API_URL", "WHEROBOTS_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (url,) = [one for one in batchrun("doctor", *flags, "--json").document["checks"] if one["subject"] == "base URL"]
    assert url["fact"].endswith(f"{source})")


def test_a_service_without_a_runs_api_is_no_matter_of_the_key(
    batchrun: Run, monkeypatch: pytest.MonkeyPatch, emulated: EmulatorServer
) -> None:
    del monkeypatch
    found = batchrun("doctor", "--base-url", f"{emulated.url}/elsewhere", "--json")
    assert found.status == 1
    (problem,) = [check for check in found.document["checks"] if check["level"] == "problem"]
    assert (problem["subject"], problem["fix"]) == ("service", "check the base URL: it is everything before /runs")
    assert problem["fact"].startswith("there is no Runs API here: HTTP 404")


def test_a_port_that_does_not_speak_tls_is_no_matter_of_certificates(batchrun: Run, emulated: EmulatorServer) -> None:
    found = batchrun("doctor", "--base-url", emulated.url.replace("http:", "https:"))
    assert found.status == 1
    assert "PROBLEM: TLS: check the scheme, host and port of the base URL" in found.out


@pytest.mark.parametrize(("path", "problems"), [(".", 1), ("nowhere/sweep.toml", 2), ("/", 1)])
def test_a_sweep_that_is_not_there_leaves_the_rest_to_be_checked(
    batchrun: Run, emulated: EmulatorServer, path: str, problems: int
) -> None:
    del emulated
    found = batchrun("doctor", path, "--json")
    assert found.status == 1
    assert list(levels(found.document).values()).count("problem") == problems
    assert levels(found.document)["API key"] == "ok"


def test_a_ledger_can_be_checked_by_itself(batchrun: Run, emulated: EmulatorServer, tmp_path: Path) -> None:
    del emulated
    (tmp_path / "job.ledger.jsonl").write_text("no ledger\n")
    found = batchrun("doctor", "job.ledger.jsonl", "--json")
    assert levels(found.document)["ledger"] == "problem"
    assert "sweep" not in levels(found.document)


def test_a_refused_key_ends_the_questions(batchrun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmulatorServer(load_settings(None, {"refused_calls": {"list": 401}})) as server:
        monkeypatch.setenv("WHEROBOTS_API_KEY", KEY)
        found = batchrun("doctor", "--base-url", server.url, "--json")
    assert found.status == 1
    assert levels(found.document)["API key"] == "problem"
    assert "organization" not in levels(found.document)


def test_a_service_that_is_not_there_is_a_problem_with_its_reason(
    batchrun: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHEROBOTS_API_KEY", KEY)
    found = batchrun("doctor", "--base-url", "http://127.0.0.1:9", "--json")
    (connection,) = [check for check in found.document["checks"] if check["subject"] == "connection"]
    assert connection["level"] == "problem"
    assert "refused" in connection["fact"].lower()


def test_local_files_need_storage_in_their_region(batchrun: Run, emulated: EmulatorServer, tmp_path: Path) -> None:
    del emulated
    (tmp_path / "sweep.toml").write_text(LOCAL)
    (tmp_path / "job.py").write_text("print()\n")
    found = batchrun("doctor", "sweep.toml", "--json")
    assert found.status == 1
    assert levels(found.document)["storage in aws-us-west-2"] == "problem"


def test_a_sweep_that_cannot_be_planned_is_a_problem_and_the_rest_is_checked(
    batchrun: Run, emulated: EmulatorServer, tmp_path: Path
) -> None:
    del emulated
    (tmp_path / "sweep.toml").write_text(MANIFEST.replace("{{site}}-", "{{siet}}-"))
    found = batchrun("doctor", "sweep.toml", "--json")
    assert found.status == 1
    problems = [check for check in found.document["checks"] if check["level"] == "problem"]
    assert [problem["fix"] for problem in problems] == ["did you mean 'site'?"]
    assert levels(found.document)["API key"] == "ok"


def test_the_probe_tells_what_can_be_seen_and_nothing_secret(batchrun: Run, emulated: EmulatorServer) -> None:
    found = batchrun("doctor", "--probe", "--json")
    probed = found.document["probed"]
    assert probed["size=0 returns only the total"].startswith("yes")
    assert probed["GET /organization"] == "readable"
    text = json.dumps(probed)
    assert KEY not in text
    assert emulated.url not in text


def test_calls_that_are_refused_are_warnings(batchrun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {"organization": 403, "quota": 404, "config_hint": 403}
    with EmulatorServer(load_settings(None, {"refused_calls": refused})) as server:
        monkeypatch.setenv("WHEROBOTS_API_KEY", KEY)
        found = batchrun("doctor", "--base-url", server.url, "--json")
    assert found.status == 0, found.out
    warned = [check for check in found.document["checks"] if check["level"] == "warning"]
    assert len(warned) == 3


def test_plan_online_estimates_with_the_services_units_and_refuses_what_is_not_allowed(
    batchrun: Run, emulated: EmulatorServer, tmp_path: Path
) -> None:
    del emulated
    (tmp_path / "sweep.toml").write_text(MANIFEST)
    planned = batchrun("plan", "sweep.toml", "--online", "--set", "run.runtime=medium", "--json")
    assert planned.status == 0, planned.err
    assert planned.document["estimate"]["unknown_runtimes"] == []
    offline = batchrun("plan", "sweep.toml", "--set", "run.runtime=medium", "--json")
    assert offline.document["estimate"]["unknown_runtimes"] == ["medium"]
    refused = batchrun("plan", "sweep.toml", "--online", "--set", "run.region=mars-1")
    assert refused.status == 2
    assert "run.region: the organization may not use mars-1" in refused.err


def test_an_estimate_like_an_earlier_batch_needs_finished_runs(batchrun: Run, tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(MANIFEST)
    assert batchrun("submit", "sweep.toml", "--emulator").status == 0
    found = batchrun("plan", "sweep.toml", "--like", "sweep.emulator.ledger.jsonl")
    assert (found.status, "fewer than three completed runs" in found.err) == (2, True)


def test_an_estimate_like_an_earlier_batch_compares_runtimes(
    batchrun: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sweep.toml").write_text(MANIFEST)
    monkeypatch.setenv("WHEROBOTS_API_KEY", KEY)
    with EmulatorServer(load_settings(None, {"run_s": 60.0, "speed": 600.0})) as server:
        assert batchrun("submit", "sweep.toml", "--yes", "--watch", "--base-url", server.url).status == 0
    same = batchrun("plan", "sweep.toml", "--like", "sweep.toml", "--json")
    (tiny,) = same.document["estimate"]["runtimes"]
    assert (tiny["hours_from"], tiny["finished_runs"], tiny["runs"]) == ("finished runs", 12, 12)
    assert 0 < tiny["hours"][1] < 1
    other = batchrun("plan", "sweep.toml", "--like", "sweep.toml", "--set", "run.runtime=medium")
    assert other.status == 2
    assert (
        "its completed runs used tiny, but this sweep uses medium; durations on other runtimes are not comparable"
        in other.err
    )
    ledger = (tmp_path / "sweep.ledger.jsonl").read_text()
    (tmp_path / "moved.jsonl").write_text(ledger.replace("[axes]", "[axis]"))
    unknown = batchrun("plan", "sweep.toml", "--like", "moved.jsonl", "--set", "run.runtime=micro")
    assert "their runtimes are not known, because their plan cannot be rebuilt" in unknown.out
