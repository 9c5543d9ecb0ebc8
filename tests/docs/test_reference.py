"""Everything that has a name is in the reference: variables, settings of the emulator, keys of JSON documents."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from batchrun.emulator.fault_settings import CallFaults, Faults
from batchrun.emulator.settings import EmulatorSettings

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("batchrun")
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


@pytest.mark.e2e
def test_every_key_of_a_json_document_is_on_its_page(tmp_path: Path) -> None:
    shutil.copy(ROOT / "manifests" / "quickstart.toml", tmp_path)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("WHEROBOTS_", "BATCHRUN_"))}
    missing = []
    for words in DOCUMENTS:
        command: list[str | Path] = [COMMAND, *words.split(), "--json"]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=False)
        name = " ".join(word for word in words.split()[:2] if "." not in word)
        row = next(line for line in page("reference/json.md").splitlines() if line.startswith(f"| `{name}`"))
        missing += [f"{name}: {key}" for key in json.loads(done.stdout) if f"`{key}`" not in row]
    assert missing == []
