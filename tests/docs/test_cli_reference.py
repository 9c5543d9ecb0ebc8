"""The reference of the commands is the one that the commands make, and leaves nothing out."""

from pathlib import Path

import pytest

from batchrun.cli.app import COMMANDS, command_line
from batchrun.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == reference(), "run: python -m batchrun.cli.reference > docs/cli.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_option_by_option(name: str) -> None:
    command = command_line().commands[name]
    assert (command.help or "").strip()
    for group in [command, *getattr(command, "commands", {}).values()]:
        undocumented = [param.name for param in group.params if not getattr(param, "help", None)]
        assert undocumented == [], f"batchrun {name} has options without help"
