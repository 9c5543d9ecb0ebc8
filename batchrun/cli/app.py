"""The command ``batchrun``: finds the command that is meant, loads it, and turns every ending into an exit status."""

import errno
import gc
import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from batchrun.cli.exits import ExitStatus, show_problems, status_of
from batchrun.cli.loading import load
from batchrun.cli.text import inert
from batchrun.errors import BatchrunError, Problem

__all__ = ["COMMANDS", "command_line", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("batchrun.cli.commands.init:init", "Write a commented starter manifest that runs."),
    "plan": ("batchrun.cli.commands.plan:plan", "Show what a sweep would send, without the network."),
    "submit": ("batchrun.cli.commands.submit:submit", "Create every run of a sweep once; run again, it goes on."),
    "resume": ("batchrun.cli.commands.resume:resume", "Go on with a batch from its ledger alone."),
    "status": ("batchrun.cli.commands.status:status", "Tell how a batch stands, also while it is being submitted."),
    "ledger": ("batchrun.cli.commands.ledger:ledger", "Verify a ledger, export it, make it shorter."),
    "bench": ("batchrun.cli.commands.bench:bench", "Measure how fast batches go here, against a local service."),
    "emulator": ("batchrun.cli.commands.emulator:emulator", "Serve a local Wherobots Cloud to try things on."),
    "schema": ("batchrun.cli.commands.schema:schema", "Print the manifest's JSON Schema, for editors."),
}
"""Each command: where it is, and its sentence in the list. Nothing of it is loaded until it is called."""

COLLECT_RARELY = (50_000, 20, 100)
"""Commands make many objects that stay and hardly a cycle: looking for cycles as often as usual costs submit about a tenth
of its time."""

CONTEXT = {"help_option_names": ["-h", "--help"]}

EPILOG = """
Start with

\b
  batchrun init sweep.toml
  batchrun plan sweep.toml
  batchrun submit sweep.toml --emulator

\b
Exit status: 0 every run submitted; 1 some rejected, failed or unknown; 2 the manifest
or the command is wrong; 3 stopped early, can be resumed; 4 the ledger cannot be used;
130 or 143 interrupted, can be resumed.
"""


class LazyCommands(MutableMapping[str, Any]):
    """Commands by name; one is loaded when it is looked up."""

    def __init__(self, places: dict[str, tuple[str, str]]) -> None:
        self._places = places
        self._loaded: dict[str, Any] = {}

    @override
    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _command(name, self._places[name][0])
        return self._loaded[name]

    @override
    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    @override
    def __delitem__(self, name: str) -> None:
        self._loaded.pop(name, None)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    @override
    def __len__(self) -> int:
        return len(self._places)


def _command(name: str, place: str) -> TyperCommand | TyperGroup:
    """The command at ``module:function``, or the group at ``module:typer``; ``EXAMPLES`` stand at the end of its help."""
    target = load(place)
    if not isinstance(target, typer.Typer):
        examples = getattr(import_module(place.partition(":")[0]), "EXAMPLES", None)
        target, function = typer.Typer(add_completion=False, rich_markup_mode=None), target
        target.command(name, epilog=examples, context_settings=CONTEXT)(function)
    command = typer.main.get_command(target)
    assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101 - typer makes no others
    command.name = name
    return command


class LazyGroup(TyperGroup):
    """A group whose list of commands needs none of them."""

    @override
    def list_commands(self, ctx: object) -> list[str]:
        return list(self.commands)

    @override
    def format_commands(self, ctx: object, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"batchrun {load('importlib.metadata:version')('batchrun')}")
        raise typer.Exit


def command_line() -> LazyGroup:
    """The whole command line as one object, for running and for documenting it."""
    app = typer.Typer(
        cls=LazyGroup,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        epilog=EPILOG,
        context_settings=CONTEXT,
    )

    @app.callback()
    def batchrun(
        _: Annotated[
            bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
        ] = False,
    ) -> None:
        """Submit many Wherobots job runs from one sweep manifest: each created once, whatever dies on the way."""

    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)  # noqa: S101 - a callback makes a group
    group.commands = LazyCommands(COMMANDS)
    return group


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status; this process is then ours alone."""
    gc.set_threshold(*COLLECT_RARELY)
    words = list(sys.argv[1:] if args is None else args)
    status = run(words)
    _flush()
    sys.exit(int(status))


def run(words: list[str]) -> int:
    """Run one command; every foreseeable trouble is told as place, fact and fix, and becomes an exit status."""
    as_json = "--json" in words
    try:
        status = command_line().main(words, prog_name="batchrun", standalone_mode=False) or 0
        if status == ExitStatus.INTERRUPTED and not isinstance(status, ExitStatus):
            return _interrupted(as_json=as_json)  # typer makes a number of it; a command's own status is an ExitStatus
        return int(status)
    except BatchrunError as error:
        return _ended(error.problems, status_of(error), as_json=as_json)
    except typer.TyperException as error:
        return _misused(error, words, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(as_json=as_json)
    except OSError as error:
        return _not_opened(error, as_json=as_json)
    except Exception:  # noqa: BLE001 - the last resort: a bug, told without the key
        print(inert(traceback.format_exc()), file=sys.stderr)  # noqa: T201 - no command is left to say it
        fact = "an unexpected error; this is a mistake in batchrun itself"
        return _ended([Problem("batchrun", fact, "please report what is above")], ExitStatus.BUG, as_json=as_json)


def _interrupted(*, as_json: bool) -> ExitStatus:
    return _ended([Problem("Ctrl-C", "interrupted")], ExitStatus.INTERRUPTED, as_json=as_json)


def _ended(problems: Sequence[Problem], status: ExitStatus, *, as_json: bool) -> ExitStatus:
    show_problems(problems, status, as_json=as_json)
    return status


def _misused(error: typer.TyperException, words: list[str], *, as_json: bool) -> ExitStatus:
    """A word that the command line does not know, in the house style; calling it without any shows the help."""
    context = getattr(error, "ctx", None)
    called = f"batchrun {words[0]}" if words and words[0] in COMMANDS else "batchrun"
    place = context.command_path if context is not None else called
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
        return ExitStatus.USAGE
    near = getattr(error, "possibilities", None)
    fix = f"did you mean {' or '.join(near)}?" if near else f"see {place} --help"
    fact = (error.message if near else error.format_message()).rstrip(".")
    if " Did you mean " in fact:
        fact, _, meant = fact.partition(". Did you mean ")
        fix = f"did you mean {meant.replace(chr(39), '')}"
    return _ended([Problem(place, _lower(fact), fix)], ExitStatus.USAGE, as_json=as_json)


def _lower(fact: str) -> str:
    return fact[:1].lower() + fact[1:]


def _not_opened(error: OSError, *, as_json: bool) -> ExitStatus:
    if error.errno == errno.EPIPE:
        return ExitStatus.DONE
    place = os.fsdecode(error.filename) if error.filename is not None else "batchrun"
    return _ended([Problem(place, (error.strerror or str(error)).lower())], ExitStatus.USAGE, as_json=as_json)


def _flush() -> None:
    """Let nothing be left for the interpreter to complain about when whoever read standard output has gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1 if stream is sys.stdout else 2)
