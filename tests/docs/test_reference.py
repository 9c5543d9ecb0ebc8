"""Everything that has a name is in the reference: variables, and settings of the emulator."""

import re
from pathlib import Path

import pytest

from batchrun.emulator.fault_settings import CallFaults, Faults
from batchrun.emulator.settings import EmulatorSettings
from batchrun.redaction import PROXY_VARIABLES

ROOT = Path(__file__).parents[2]
NOT_FOR_USERS = {"WHEROBOTS_VERSION"}
"""Named in a sentence about another client's settings."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def test_every_variable_that_is_read_is_on_the_page_of_the_environment() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "batchrun").rglob("*.py"))
    named = set(re.findall(r"\b(?:WHEROBOTS|BATCHRUN)_[A-Z_]+\b", sources)) - NOT_FOR_USERS
    named |= set(re.findall(r"environ(?:\.get\(|\[)\"(\w+)\"", sources)) | {name.upper() for name in PROXY_VARIABLES}
    assert sorted(name for name in named if f"`{name}`" not in page("reference/environment.md")) == []


@pytest.mark.parametrize("table", [EmulatorSettings, Faults, CallFaults])
def test_every_setting_of_the_emulator_is_on_its_page(table: type[EmulatorSettings | Faults | CallFaults]) -> None:
    assert [name for name in table.model_fields if not re.search(rf"\b{name}\b", page("emulator.md"))] == []
