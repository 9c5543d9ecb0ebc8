"""The reference of all commands as Markdown, made from the commands themselves: ``python -m batchrun.cli.reference``."""

import typer

from batchrun.cli.app import command_line

__all__ = ["reference"]

COLUMNS = 100
HEAD = """# The command line

Made from the commands by `python -m batchrun.cli.reference`; a test fails when this page is out of date.
"""


def reference() -> str:
    """One section a command, with exactly what its ``--help`` prints on a wide terminal."""
    group = command_line()
    sections = [_section("batchrun", group)]
    sections += [_section(f"batchrun {name}", command) for name, command in group.commands.items()]
    return HEAD + "".join(sections)


def _section(name: str, command: typer.core.TyperGroup | typer.core.TyperCommand) -> str:
    context = typer.Context(command, info_name=name, terminal_width=COLUMNS, help_option_names=["-h", "--help"])
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    return f"\n## `{name}`\n\n```text\n" + "\n".join(lines).strip() + "\n```\n"


if __name__ == "__main__":
    typer.echo(reference(), nl=False)
