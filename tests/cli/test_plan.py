"""``plan``: what would be sent, without using the network."""

import json
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from tests.cli.conftest import MANIFEST, Run, held

TIMES = "\u00d7"


def test_steps_totals_and_both_ends_are_shown(batchrun: Run, sweep: Path) -> None:
    ended = batchrun("plan", sweep, "--show", "1")
    assert ended.status == 0
    assert f"site(3) {TIMES} year(4)" in ended.out
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["aws-us-west-2", "tiny", "12"] in lines
    assert ["0", "job-nyc-2021", "aws-us-west-2", "tiny", "--site", "nyc", "--year", "2021"] in lines
    assert ["11", "job-ord-2024", "aws-us-west-2", "tiny", "--site", "ord", "--year", "2024"] in lines
    assert "job-nyc-2022" not in ended.out


def test_all_shows_every_run_and_zero_shows_none(batchrun: Run, sweep: Path) -> None:
    assert batchrun("plan", sweep, "--all").out.count("--site") == 12
    assert batchrun("plan", sweep, "--show", "0").out.count("--site") == 0


def test_json_is_the_whole_plan(batchrun: Run, sweep: Path) -> None:
    document = batchrun("plan", sweep, "--json", "--all").document
    assert document["runs"] == len(document["planned"]) == 12
    assert document["steps"][0] == {"name": "product", "count": 12, "detail": f"site(3) {TIMES} year(4)"}
    assert document["totals"] == [{"region": "aws-us-west-2", "runtime": "tiny", "runs": 12}]
    first = document["planned"][0]
    assert first["name"] == first["payload"]["name"] == "job-nyc-2021"
    assert first["point"] == {"site": "nyc", "year": 2021}
    assert len(first["key"]) == 16


def test_flags_win_over_the_manifest(batchrun: Run, sweep: Path) -> None:
    document = batchrun(
        "plan", sweep, "--json", "--all", "--set", "run.runtime=small", "--axis", "year=[2030, 2031, 2032]",
        "--where", "site=nyc", "--sample", "2", "--seed", "7",
    ).document  # fmt: skip
    assert document["totals"] == [{"region": "aws-us-west-2", "runtime": "small", "runs": 2}]
    assert {run["point"]["site"] for run in document["planned"]} == {"nyc"}
    assert {run["point"]["year"] for run in document["planned"]} <= {2030, 2031, 2032}


def test_too_many_points_are_refused(batchrun: Run, sweep: Path) -> None:
    ended = batchrun("plan", sweep, "--max-points", "11")
    assert ended.status == 2
    assert f"site(3) {TIMES} year(4) = 12 points, over max_points = 11" in ended.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--set", "run.runtime=larg"], "--set run.runtime: 'larg' is not a runtime; did you mean 'large'?"),
        (["--set", 'run.args=["x", "{{yeer}}"]'], "--set run.args[1]: unknown name 'yeer'"),
        (["--axis", "year={ from = 2, to = 1 }"], "--axis year: the range is empty"),
        (["--axis", 'site={ file = "no.csv" }'], "--axis site: no.csv cannot be read"),
        (["--where", "site=us"], "--where site=us: matches no point; 'site' has nyc, lax, ord"),
        (["--where", "site=nyc", "--where", "site=lax"], "--where: no point is left"),
        (["--where", "country=us"], "--where country=us: unknown axis 'country'; use one of: site, year"),
        (["--axis", "country=[1]"], "--axis country: the manifest has no such axis; use one of: site, year"),
        (["--sample", "99", "--seed", "1"], "--sample: 99 of 12 points; use 12 or less"),
        (["--max-points", "3"], f"--max-points: site(3) {TIMES} year(4) = 12 points, over max_points = 3; raise it"),
    ],
)
def test_what_a_flag_makes_wrong_is_reported_at_the_flag(
    batchrun: Run, sweep: Path, flags: list[str], message: str
) -> None:
    ended = batchrun("plan", sweep, *flags)
    assert ended.status == 2
    assert ended.err.startswith(f"error: {message}")


def test_what_the_manifest_makes_wrong_is_reported_at_its_line(batchrun: Run, sweep: Path) -> None:
    sweep.write_text(MANIFEST.replace('"tiny"', '"tyni"'), "utf-8")
    ended = batchrun("plan", sweep, "--set", "run.version=latest")
    assert ended.err.startswith(
        "error: jobs.toml:5: run.runtime: 'tyni' is not a runtime".replace("jobs", str(sweep)[:-5])
    )


def test_three_mistakes_are_three_messages(batchrun: Run, sweep: Path) -> None:
    sweep.write_text(MANIFEST.replace('"{{year}}"]', '"{{yaer}}", "{site}", "{{year-1}}"]'), "utf-8")
    ended = batchrun("plan", sweep)
    assert ended.status == 2
    assert ended.out == ""
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    assert "unknown name 'yaer'; did you mean 'year'?" in errors[0]


def test_mistakes_with_json_are_one_document(batchrun: Run, sweep: Path) -> None:
    sweep.write_text(MANIFEST.replace('"{{year}}"]', '"{{yaer}}", "{site}"]'), "utf-8")
    ended = batchrun("plan", sweep, "--json")
    assert len(ended.document["problems"]) == 2
    assert ended.document["exit_status"] == ended.status == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b"version = \n", "error: "),
        (b"", "version"),
        (b"version = 2\n[run]\n", "version"),
    ],
)
def test_an_invalid_manifest_is_an_error(batchrun: Run, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    ended = batchrun("plan", path)
    assert ended.status == 2
    assert message in ended.err


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_an_unreadable_path_is_an_error(batchrun: Run, name: str) -> None:
    ended = batchrun("plan", name)
    assert ended.status == 2
    assert ended.err.startswith(f"error: {name}: ")


def test_a_written_plan_can_be_submitted(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    assert batchrun("plan", sweep, "-o", "plan.jsonl").status == 0
    assert len((sweep.parent / "plan.jsonl").read_text("utf-8").splitlines()) == 13
    ended = batchrun("submit", "plan.jsonl", "--base-url", server.url, "--rate", "200", "--json")
    assert ended.document["outcomes"]["submitted"] == 12
    assert ended.document["ledger"] == "plan.ledger.jsonl"
    assert len(held(server)) == 12
    assert batchrun("resume", "plan.ledger.jsonl", "--base-url", server.url).status == 0
    refused = batchrun("submit", "plan.jsonl", "--base-url", server.url, "--sample", "1", "--seed", "1")
    assert refused.status == 2
    assert "a plan file is fixed" in refused.err


def test_a_plan_is_not_written_over_its_sweep(batchrun: Run, sweep: Path) -> None:
    ended = batchrun("plan", sweep, "-o", sweep)
    assert ended.status == 2
    assert "is the sweep itself" in ended.err
    assert sweep.read_text("utf-8") == MANIFEST


def test_diff_counts_new_removed_and_submitted_runs(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    batchrun("submit", sweep, "--base-url", server.url, "--rate", "200")
    sweep.write_text(MANIFEST.replace("2024", "2025").replace('"nyc", ', ""), "utf-8")
    words = ["plan", sweep, "--diff", "jobs.ledger.jsonl"]
    assert "2 new, 4 removed, 8 already submitted (new: job-lax-2025, job-ord-2025)" in batchrun(*words).out
    found = batchrun(*words, "--json").document["difference"]
    assert (found["new"], found["gone"], found["submitted"]) == (2, 4, 8)


def test_overrides_are_kept_for_the_resume(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    flags = ["--where", "site=lax", "--set", "run.runtime=small"]
    batchrun("submit", sweep, *flags, "--base-url", server.url, "--rate", "200")
    again = batchrun("resume", "jobs.ledger.jsonl", "--base-url", server.url)
    assert again.status == 0
    assert "all 4 runs are already submitted" in again.out
    assert batchrun("submit", sweep, "--base-url", server.url).status == 4


def test_environment_values_are_shown_as_names_and_sent_as_values(
    batchrun: Run, sweep: Path, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep.write_text(MANIFEST.replace('"{{year}}"]', '"{{year}}", "{{env.BUCKET}}"]'), "utf-8")
    shown = batchrun("plan", sweep, "--json").document["planned"][0]
    assert shown["payload"]["runPython"]["args"][-1] == "<env.BUCKET>"
    missing = batchrun("submit", sweep, "--base-url", server.url, "--rate", "200")
    assert missing.status == 2
    assert "BUCKET" in missing.err
    monkeypatch.setenv("BUCKET", "s3://one")
    assert batchrun("submit", sweep, "--base-url", server.url, "--rate", "200").status == 0
    monkeypatch.setenv("BUCKET", "s3://two")
    changed = batchrun("submit", sweep, "--base-url", server.url)
    assert changed.status == 4
    assert "changed: env.BUCKET" in changed.err


def test_a_changed_data_file_shows_the_difference(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    data = sweep.parent / "sites.csv"
    data.write_text("id\nnyc\nlax\n", "utf-8")
    manifest = MANIFEST.replace('site = ["nyc", "lax", "ord"]', 'site = { file = "sites.csv" }').replace(
        "{{site}}", "{{site.id}}"
    )
    sweep.write_text(manifest, "utf-8")
    words = ["submit", sweep, "--base-url", server.url, "--rate", "200"]
    assert batchrun(*words).status == 0
    data.write_text("id\nnyc\nlax\nord\n", "utf-8")
    refused = batchrun(*words)
    assert refused.status == 4
    assert "4 new, 0 removed, 8 already submitted" in refused.err
    assert "changed: sites.csv" in refused.err
    assert batchrun(*words, "--extend").status == 0
    assert len(held(server)) == 12


def test_a_resume_still_works_when_the_ledger_was_moved(batchrun: Run, sweep: Path, server: EmulatorServer) -> None:
    batchrun("submit", sweep, "--base-url", server.url, "--rate", "200")
    (sweep.parent / "elsewhere").mkdir()
    moved = (sweep.parent / "jobs.ledger.jsonl").rename(sweep.parent / "elsewhere" / "jobs.ledger.jsonl")
    sweep.unlink()
    assert batchrun("resume", moved, "--base-url", server.url).status == 0


def test_schema_and_init_give_what_they_promise(batchrun: Run, tmp_path: Path) -> None:
    schema = json.loads(batchrun("schema").out)
    assert schema["additionalProperties"] is False
    assert batchrun("init").status == 0
    again = batchrun("init")
    assert again.status == 2
    assert "already exists" in again.err
    assert batchrun("plan", tmp_path / "sweep.toml").status == 0
    assert batchrun("submit", "sweep.toml", "--emulator", "--rate", "500").status == 0


def test_a_plan_can_be_piped_on(batchrun: Run, sweep: Path) -> None:
    assert batchrun("plan", sweep, "-o", "plan.jsonl").status == 0
    piped = batchrun("plan", sweep, "-o", "-")
    assert piped.status == 0
    assert piped.out == (sweep.parent / "plan.jsonl").read_text("utf-8")
    assert "jobs: 12 runs" in piped.err
    assert not (sweep.parent / "-").exists()
    both = batchrun("plan", sweep, "-o", "-", "--json")
    assert both.status == 2
    assert "written to standard output" in both.err


def test_an_endless_pipe_is_not_read_to_its_end(batchrun: Run) -> None:
    endless = batchrun("plan", "-", stdin=b"y\n" * (9 << 20))
    assert endless.status == 2
    assert "standard input: more than 16,777,216 bytes; pass a sweep manifest" in endless.err


def test_a_manifest_can_be_piped_in(batchrun: Run, tmp_path: Path) -> None:
    assert "stdin: 12 runs" in batchrun("plan", "-", stdin=MANIFEST.encode()).out
    document = batchrun("plan", "-", "--json", "--where", "site=nyc", stdin=MANIFEST.encode()).document
    assert (document["sweep"], document["runs"]) == ("stdin", 4)
    wrong = batchrun("plan", "-", stdin=MANIFEST.replace("tiny", "tyni").encode())
    assert wrong.err.startswith("error: <stdin>:5: run.runtime: 'tyni' is not a runtime")
    assert list(tmp_path.iterdir()) == []


def test_the_plan_of_a_piped_manifest_is_saved_more_than_once(batchrun: Run, tmp_path: Path) -> None:
    for _ in range(2):  # the second time there is a file, and it cannot be the sweep itself
        assert batchrun("plan", "-", "-o", tmp_path / "plan.jsonl", stdin=MANIFEST.encode()).status == 0


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b"", "version"),
        (b"\xff\xfe", "standard input: byte 0 is not UTF-8"),
        (b'{"batchrun_plan": 1}', "standard input: this is a saved plan"),
        (MANIFEST.encode() + b'\n[axes.more]\nfile = "-"\n', "standard input: an axis reads it too"),
    ],
)
def test_what_is_piped_in_must_be_a_manifest(batchrun: Run, stdin: bytes, message: str) -> None:
    ended = batchrun("plan", "-", stdin=stdin)
    assert ended.status == 2
    assert message in ended.err


def test_a_piped_manifest_is_submitted_with_a_ledger_of_its_own(batchrun: Run, server: EmulatorServer) -> None:
    words = ["submit", "-", "--base-url", server.url, "--rate", "500", "--quiet"]
    assert (
        "--ledger: a sweep read from standard input has no default ledger path"
        in batchrun(*words, stdin=MANIFEST.encode()).err
    )
    assert batchrun(*words, "--ledger", "l.ledger.jsonl", stdin=MANIFEST.encode()).status == 0
    assert len(held(server)) == 12
    assert batchrun("resume", "l.ledger.jsonl", "--base-url", server.url).status == 0
