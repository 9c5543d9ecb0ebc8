"""Every command line on a page names a command and options that exist: in blocks, and in the middle of a sentence."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer import TyperException

from batchrun.cli.app import command_line
from tests.docs.test_pages import PAGES, ROOT

EVERY_PAGE = [
    *PAGES,
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")),
]
BLOCK = re.compile(r"^```(?:sh|console)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
ENDS = {"|", "&&", "||", ";", ">", ">>", "2>", "<", "&"}


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words of each ``batchrun …``."""
    text = page.read_text("utf-8")
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            yield from calls(line.removeprefix("$ "))
    for code in INLINE.findall(FENCED.sub("", text)):
        yield from calls(" ".join(code.split()))


def calls(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split, lexer.commenters = True, "#"
    try:
        words = list(lexer)
    except ValueError:  # prose in backticks, with an apostrophe
        return
    while "batchrun" in words:
        words = words[words.index("batchrun") + 1 :]
        end = next((at for at, word in enumerate(words) if word in ENDS or word == "batchrun"), len(words))
        yield words[:end]


@cache
def group() -> Any:
    return command_line()


def objection(words: list[str]) -> str | None:
    """Why the command line is none; None if it is one."""
    command, rest = group(), words
    while rest and getattr(command, "commands", None):
        name = rest[0].rstrip(",")
        if name.startswith("-") or name == "help":
            return None
        if name not in command.commands:
            return f"no command {name}"
        command, rest = command.commands[name], rest[1:]
    context = command.context_class(command, info_name="batchrun")
    try:
        command.make_parser(context).parse_args(args=[word for word in rest if word not in {"...", "…"}])
    except TyperException as error:
        return str(error)
    return None


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_command_lines_name_what_exists(page: Path) -> None:
    wrong = {" ".join(words): found for words in command_lines(page) if (found := objection(words))}
    assert wrong == {}


def test_a_wrong_command_line_is_noticed() -> None:
    assert [objection(words) is None for words in calls("batchrun plan a.toml --shw 1 && batchrun plan a.toml")] == [
        False,
        True,
    ]
    assert objection(["sumbit", "a.toml"]) is not None


def test_many_command_lines_are_found() -> None:
    assert sum(len(list(command_lines(page))) for page in EVERY_PAGE) > 200
