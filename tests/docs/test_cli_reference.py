"""The reference of the commands is the one that the commands make, and leaves nothing out."""

from pathlib import Path

import pytest

from batchrun.cli.app import COMMANDS, command_line
from batchrun.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == reference(), "run: python -m batchrun.cli.reference > docs/cli.md"


def test_help_shows_no_types_of_python() -> None:
    text = reference()
    assert "[Path]" not in text
    assert "[str]" not in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summaries_of_subcommands_fit_80_columns(name: str) -> None:
    subcommands = getattr(command_line().commands[name], "commands", {})
    assert [cut for command in subcommands.values() if (cut := command.get_short_help_str(60)).endswith("...")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_option_by_option(name: str) -> None:
    command = command_line().commands[name]
    assert (command.help or "").strip()
    for group in [command, *getattr(command, "commands", {}).values()]:
        undocumented = [param.name for param in group.params if not getattr(param, "help", None)]
        assert undocumented == [], f"batchrun {name} has options without help"
