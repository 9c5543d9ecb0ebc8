"""Whoever searches the page of messages for what batchrun printed finds it."""

import json
import os
import re
from pathlib import Path

import pytest

from batchrun.cli import app

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "messages.md"
SWEEP = """\
version = 1

[run]
name    = "number-{{year}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/job.py"
args    = ["{{year}}"]

[axes]
year = [2021, 2022]
"""
EDITS = (
    ("{{year}}", "{{yaer}}"),
    ('"tiny"', '"tinny"'),
    ("runtime", "runtme"),
    ("[2021, 2022]", "[2021, 2021]"),
    ("[2021, 2022]", "[]"),
    ("[2021, 2022]", "{ from = 2021, to = 2019 }"),
    ("[2021, 2022]", "{ from = 1, to = 5000 }"),
    ("[2021, 2022]", '{ file = "tiles.csv" }'),
    ("number-{{year}}", "n-{{year}}"),
    ("number-{{year}}", "number"),
    ("s3://acme/job.py", "job.py"),
    ("{{year}}", "{{env.NOWHERE}}"),
    ("{{year}}", "{{year:q}}"),
    ("[axes]", "[[exclude]]\nyear = 1999\n\n[axes]"),
    ("[axes]", "[submit]\nrate = 0\n\n[axes]"),
    ("version = 1", "version = 2"),
)
COMMANDS = (
    "plan missing.toml",
    "plan sweep.toml --sample 2",
    "plan sweep.toml --where year=1999",
    "submit sweep.toml",
    "submit sweep.toml --base-url http://example.org",
    "submit sweep.toml --emulator --base-url http://127.0.0.1:1",
    "submit sweep.toml --rerun-failed 1",
    "status sweep.toml",
    "status missing.ledger.jsonl",
    "resolve sweep.toml --drop",
    "report sweep.toml",
    "recover sweep.toml --since yesterday",
    "bench --base-url http://example.org",
)


def patterns() -> list[re.Pattern[str]]:
    """What stands in the first column, with anything where it shows an ellipsis."""
    rows = [line.split(" | ")[0][2:] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    texts = [re.sub(r"\\([|*<])", r"\1", row) for row in rows]
    return [re.compile(".*".join(map(re.escape, text.split("…"))), re.DOTALL) for text in texts]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("WHEROBOTS_", "BATCHRUN_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "sweep.toml").write_text(SWEEP, "utf-8")
    return tmp_path


def facts(words: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    app.run([*words.split(), "--json"])
    return [problem["fact"] for problem in json.loads(capsys.readouterr().out)["problems"]]


@pytest.mark.usefixtures("folder")
def test_messages_about_commands_are_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    printed = [fact for words in COMMANDS for fact in facts(words, capsys)]
    assert len(printed) >= len(COMMANDS)
    assert [fact for fact in printed if not any(pattern.fullmatch(fact) for pattern in patterns())] == []


def test_messages_about_manifests_are_on_the_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for old, new in EDITS:
        (folder / "sweep.toml").write_text(SWEEP.replace(old, new), "utf-8")
        printed += facts("submit sweep.toml --emulator", capsys)
    assert len(printed) >= len(EDITS)
    assert [fact for fact in printed if not any(pattern.fullmatch(fact) for pattern in patterns())] == []
