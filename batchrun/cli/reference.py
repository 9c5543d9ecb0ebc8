"""The reference of all commands as Markdown, made from the commands themselves: ``python -m batchrun.cli.reference``."""

from collections.abc import Iterator
from typing import Any

import typer

from batchrun.cli.app import command_line

__all__ = ["reference"]

COLUMNS = 100
HEAD = """# The command line

Made from the commands by `python -m batchrun.cli.reference`; a test fails when this page is out of date.
"""


def reference() -> str:
    """One section a command, with exactly what its ``--help`` prints on a wide terminal."""
    return HEAD + "".join(_sections("batchrun", command_line()))


def _sections(name: str, command: Any) -> Iterator[str]:  # noqa: ANN401 - typer hides the type of its commands
    context = typer.Context(command, info_name=name, terminal_width=COLUMNS, help_option_names=["-h", "--help"])
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    yield f"\n## `{name}`\n\n```text\n" + "\n".join(lines).strip() + "\n```\n"
    for word, inner in getattr(command, "commands", {}).items():
        yield from _sections(f"{name} {word}", inner)


if __name__ == "__main__":
    typer.echo(reference(), nl=False)
