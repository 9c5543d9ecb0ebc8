"""Everything that has a name is in the reference: variables, and settings of the emulator."""

import re
from pathlib import Path

import pytest

from batchrun.cli.exits import ExitStatus
from batchrun.emulator.fault_settings import CallFaults, Faults
from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.stopping import StopReason
from batchrun.engine.verdicts import NextStep, judge
from batchrun.errors import Trouble
from batchrun.redaction import PROXY_VARIABLES
from batchrun.wherobots.answers import Refused

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


@pytest.mark.parametrize("name", ["reference/exit-status.md", "how-to/troubleshooting.md"])
def test_every_exit_status_is_on_both_pages(name: str) -> None:
    rows = [line.split("|")[1] for line in page(name).splitlines() if line.startswith("| ")]
    documented = {int(number) for row in rows for number in re.findall(r"\d+", row)}
    assert documented | {0} == {int(status) for status in ExitStatus}


def test_every_reason_to_stop_is_on_the_page_of_outcomes() -> None:
    section = page("reference/outcomes.md").split("## Why a batch stops early")[1]
    rows = "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", rows)) == {reason.value for reason in StopReason}


def test_the_table_of_outcomes_agrees_with_what_is_judged() -> None:
    wrong = []
    for status in range(300, 600):
        verdict = judge(Refused(Trouble(status=status)), may_exist=False)
        exists, outcome = row_of(status)
        wrong += [status] * ((exists == "perhaps") is not (verdict.next_step is NextStep.SETTLE))
        wrong += [status] * (outcome.startswith("rejected") is not (verdict.next_step is NextStep.REJECT))
    assert wrong == []


def row_of(status: int) -> tuple[str, str]:
    """The first cell that names the status, then the one that names its family."""
    rows = [
        line.strip("| ").split(" | ") for line in page("reference/outcomes.md").splitlines() if line.startswith("| ")
    ]
    for name in (rf"\b{status}\b(?! with)", rf"\b{status // 100}xx\b"):
        for response, exists, _, outcome, _ in (row for row in rows if len(row) == 5):
            if re.search(name, response) and "code" not in response.split(",")[0]:
                return exists, outcome
    raise AssertionError(status)
