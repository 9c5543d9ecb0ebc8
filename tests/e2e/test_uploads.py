"""Local files go up by themselves: once per content and region, before the first run, without the key."""

import json
import os
import random
import signal
import time
import urllib.request
from typing import Any

import pytest

from tests.e2e.conftest import KEY, Command, Emulator, emulating

pytestmark = pytest.mark.e2e
SWEEP = """\
version = 1

[run]
name    = "local-run-{{number}}"
runtime = "tiny"
region  = "{{region}}"
python  = "./job.py"
args    = ["{{number}}"]

[[run.dependencies]]
file = "helpers.zip"

[axes]
number = { from = 1, to = 10 }
region = ["aws-us-west-2"]

[submit]
settle_after = "1s"
"""
JOB = b"import sys\nprint(sys.argv)\n"


@pytest.fixture
def sweep(command: Command) -> str:
    (command.folder / "sweep.toml").write_text(SWEEP)
    (command.folder / "job.py").write_bytes(JOB)
    (command.folder / "helpers.zip").write_bytes(b"PK helpers")
    return "sweep.toml"


def audit(emulator: Emulator, what: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{emulator.url}/_emulator/{what}") as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def name_of(file: dict[str, Any]) -> str:
    """The name of a stored file."""
    path: str = file["place"]["path"]
    return path.rpartition("/")[2]


def puts(emulator: Emulator) -> list[dict[str, Any]]:
    return [one for one in audit(emulator, "uploads") if one["method"] == "PUT"]


def test_a_script_is_edited_planned_and_submitted_and_goes_up_once(command: Command, sweep: str) -> None:
    with emulating("--set", "check_uris=true") as emulator:
        url = ("--base-url", emulator.url)
        planned = command.run("plan", sweep)
        assert "./job.py" in planned.stdout
        first = command.run("submit", sweep, *url)
        assert first.returncode == 0, first.stderr
        assert "local file to upload: ./job.py (27 bytes, used by 10 runs)" in first.stderr
        assert sorted(name_of(file) for file in audit(emulator, "files")) == ["helpers.zip", "job.py"]
        uris = {run["payload"]["runPython"]["uri"] for run in emulator.held()}
        assert len(uris) == 1
        assert uris.pop().endswith("/job.py")
        assert len(puts(emulator)) == 2
        assert [one["secrets"] for one in puts(emulator)] == [[], []]
        assert KEY not in json.dumps(audit(emulator, "uploads"))

        again = command.run("submit", sweep, *url, "--ledger", "other.ledger.jsonl", "--again")
        assert again.returncode == 0, again.stderr
        assert len(puts(emulator)) == 2  # the same content is there already

        (command.folder / "job.py").write_bytes(JOB + b"# edited\n")
        changed = command.run("submit", sweep, *url)
        assert (changed.returncode, "--extend" in changed.stderr) == (4, True), changed.stderr
        assert "batchrun resume sweep.ledger.jsonl finishes it with the version that it began with" in changed.stderr
        resumed = command.run("resume", "sweep.ledger.jsonl", *url)
        assert resumed.returncode == 0, resumed.stderr
        assert "./job.py: it changed since the batch began" in resumed.stderr
        assert len(emulator.held()) == 20


def test_each_region_gets_its_copy(command: Command, sweep: str) -> None:
    text = SWEEP.replace('region = ["aws-us-west-2"]', 'region = ["aws-us-west-2", "aws-eu-west-1"]')
    (command.folder / sweep).write_text(text.replace("local-run-{{number}}", "local-run-{{number}}-{{region}}"))
    with emulating("--set", "check_uris=true") as emulator:
        done = command.run("submit", sweep, "--base-url", emulator.url)
        assert done.returncode == 0, done.stderr
        assert len(puts(emulator)) == 4


def test_killed_in_an_upload_and_in_the_first_posts_nothing_is_lost_or_made_twice(command: Command, sweep: str) -> None:
    (command.folder / "helpers.zip").write_bytes(random.Random(1).randbytes(30_000_000))
    with emulating("--set", "check_uris=true") as emulator:
        submit = ("submit", sweep, "--base-url", emulator.url, "--rate", "20")
        for pause_s in (0.7, 0.9, 1.1):
            process = command.start(*submit)
            time.sleep(pause_s)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        done = command.run(*submit)
        assert done.returncode == 0, done.stderr
        assert sorted(emulator.names()) == sorted(f"local-run-{n}" for n in range(1, 11))
        sizes = {name_of(file): file["size"] for file in audit(emulator, "files")}
        assert sizes == {"job.py": len(JOB), "helpers.zip": 30_000_000}


def test_many_small_files(command: Command, sweep: str) -> None:
    (command.folder / "jobs").mkdir()
    for number in range(1, 61):
        (command.folder / f"jobs/{number}.py").write_bytes(b"#" * 100_000 + str(number).encode())
    text = SWEEP.replace("./job.py", "jobs/{{number}}.py").replace("to = 10", "to = 60")
    (command.folder / sweep).write_text(text)
    with emulating("--set", "check_uris=true") as emulator:
        done = command.run("submit", sweep, "--base-url", emulator.url)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("local file to upload: ") == 10
        assert "and 51 more local files to upload (5,100,094 bytes)" in done.stderr
        assert len(audit(emulator, "files")) == 61
        assert len({run["payload"]["runPython"]["uri"] for run in emulator.held()}) == 60


REFUSALS = {
    "refused": ("refused_calls = { upload_url = 403 }", "not uploaded: POST /storage/…/file-upload-url: HTTP 403"),
    "missing": ("refused_calls = { upload_url = 404 }", "storage is not enabled in this region"),
    "elsewhere": ('storage_regions = ["aws-eu-west-1"]', "storage is not enabled in this region"),
    "too large": ("max_upload_bytes = 20", "not uploaded: storage answered HTTP"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_every_refusal_of_storage_is_one_sentence_and_creates_nothing(case: str, command: Command, sweep: str) -> None:
    setting, message = REFUSALS[case]
    config = command.folder / "emulator.toml"
    config.write_text(setting + "\n")
    with emulating("--config", str(config)) as emulator:
        done = command.run("submit", sweep, "--base-url", emulator.url)
        assert done.returncode == 3, done.stderr
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert emulator.held() == []


def test_listing_that_is_refused_only_costs_another_upload(command: Command, sweep: str) -> None:
    config = command.folder / "emulator.toml"
    config.write_text("refused_calls = { directory = 403 }\ncheck_uris = true\n")
    with emulating("--config", str(config)) as emulator:
        assert command.run("submit", sweep, "--base-url", emulator.url).returncode == 0


def test_a_file_that_changed_after_planning_is_not_uploaded(command: Command, sweep: str) -> None:
    assert command.run("plan", sweep, "-o", "plan.jsonl").returncode == 0
    before = (command.folder / "job.py").stat()
    (command.folder / "job.py").write_bytes(JOB.replace(b"argv", b"path"))  # the same size
    os.utime(command.folder / "job.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    with emulating() as emulator:
        done = command.run("submit", "plan.jsonl", "--base-url", emulator.url)
        assert done.returncode == 3, done.stderr
        assert "job.py (aws-us-west-2): not uploaded: it changed since the sweep was planned" in done.stderr
        assert emulator.held() == []
        assert [name_of(file) for file in audit(emulator, "files")] in ([], ["helpers.zip"])
