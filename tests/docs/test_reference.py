"""Everything that has a name is in the reference: variables, settings of the emulator, keys of JSON documents."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from batchrun.cli import app
from batchrun.emulator.fault_settings import CallFaults, Faults
from batchrun.emulator.settings import EmulatorSettings
from batchrun.ledger.events import StatusEvent, event_line
from batchrun.ledger.reader import read_state

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    "plan quickstart.toml",
    "submit quickstart.toml --emulator --yes",
    "status quickstart.toml --emulator",
    "runs quickstart.toml --emulator",
    "verify quickstart.toml --emulator",
    "resolve quickstart.toml --emulator",
    "costs quickstart.toml --emulator",
    "report quickstart.toml --emulator -o report.html",
    "ledger check quickstart.emulator.ledger.jsonl",
    "cancel quickstart.toml --emulator --yes --no-wait",
    "rerun quickstart.toml --emulator --dry-run",
    "rerun quickstart.toml --emulator --yes",
    "watch quickstart.toml --emulator --timeout 0.1s",
    "doctor",
)
NOT_FOR_USERS = {"WHEROBOTS_VERSION"}
"""Named in a sentence about another client's settings."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def test_every_variable_that_is_read_is_on_the_page_of_the_environment() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "batchrun").rglob("*.py"))
    named = set(re.findall(r"\b(?:WHEROBOTS|BATCHRUN)_[A-Z_]+\b", sources)) - NOT_FOR_USERS
    assert sorted(name for name in named if f"`{name}`" not in page("reference/environment.md")) == []


@pytest.mark.parametrize("table", [EmulatorSettings, Faults, CallFaults])
def test_every_setting_of_the_emulator_is_on_its_page(table: type[EmulatorSettings | Faults | CallFaults]) -> None:
    assert [name for name in table.model_fields if not re.search(rf"\b{name}\b", page("emulator.md"))] == []


ROWS = {
    name: line.split("|")[2]
    for line in page("reference/json.md").splitlines()
    if line.startswith("| `")
    for name in re.findall(r"`([^`]+)`", line.split("|")[1])
}


def test_the_keys_of_json_documents_are_those_on_their_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("WHEROBOTS_", "BATCHRUN_"))]:
        monkeypatch.delenv(name)
    shutil.copy(ROOT / "manifests" / "quickstart.toml", tmp_path)
    wrong = []
    for words in DOCUMENTS:
        if words.startswith("rerun"):
            cancelled(tmp_path / "quickstart.emulator.ledger.jsonl")
        name = " ".join(word for word in words.split()[:2] if "." not in word)
        usual, rare = documented(ROWS[name])
        capsys.readouterr()
        app.run([*words.split(), "--json"])
        printed = keys(capsys.readouterr().out)
        wrong += [f"{words}: {key}: not on the page" for key in printed - usual - rare]
        wrong += [f"{words}: {key}: not printed" for key in usual - printed if printed <= usual]
    assert wrong == []


def keys(printed: str) -> set[str]:
    """The keys of the document, which ``watch`` prints after a line for each change."""
    return set(json.loads(printed if printed.startswith("{\n") else printed.splitlines()[-1]))


def documented(row: str) -> tuple[set[str], set[str]]:
    """The keys of a row, without those of the tables inside: the usual ones, and after a semicolon the others."""
    usual, _, rare = re.sub(r"\([^)]*\)", "", row).partition(";")
    found = [set(re.findall(r"`(\w+)`", text)) for text in (usual, rare)]
    if "those of `submit`" in usual:
        return documented(ROWS["submit"])[0], found[1] | documented(ROWS["submit"])[1]
    return found[0], found[1]


def cancelled(ledger: Path) -> None:
    """Runs that can be run again."""
    runs = read_state(ledger).runs.items()
    lines = [
        StatusEvent(at="2026-11-25T10:00:00Z", key=key, run_id=run.run_id or "", status="CANCELLED")
        for key, run in runs
    ]
    with ledger.open("ab") as file:
        file.writelines(map(event_line, lines))
