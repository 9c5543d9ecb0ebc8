"""The ``batchrun`` command line: dispatches to a command and maps every outcome to an exit status."""

import errno
import gc
import os
import re
import signal
import sys
import traceback
from collections.abc import Iterator, MutableMapping, Sequence
from functools import partial
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typing_extensions import override

from batchrun.cli.exits import ExitStatus, show_problems, status_of
from batchrun.cli.loading import load
from batchrun.cli.streams import is_output_lost, lose_output, open_missing_streams
from batchrun.cli.text import sanitized
from batchrun.errors import BatchrunError, Problem

__all__ = ["COMMANDS", "command_line", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("batchrun.cli.commands.init:init", "Write a commented starter manifest."),
    "plan": ("batchrun.cli.commands.plan:plan", "Show what a sweep would submit, without using the network."),
    "submit": ("batchrun.cli.commands.submit:submit", "Create every run of a sweep exactly once; repeat to resume."),
    "resume": ("batchrun.cli.commands.resume:resume", "Resume a batch from its ledger alone."),
    "doctor": ("batchrun.cli.commands.doctor:doctor", "Check settings, network, API key, quotas, storage and ledger."),
    "status": ("batchrun.cli.commands.status:status", "Show a batch's status, even during submission."),
    "runs": ("batchrun.cli.commands.runs:runs", "List a batch's runs: status, reason, times, cost."),
    "watch": ("batchrun.cli.commands.watch:watch", "Follow a batch's runs until they end."),
    "report": ("batchrun.cli.commands.report:report", "Write a batch report as a single HTML file."),
    "logs": ("batchrun.cli.commands.logs:logs", "Show or save the logs of runs."),
    "costs": ("batchrun.cli.commands.costs:costs", "Show what a batch cost."),
    "cancel": ("batchrun.cli.commands.cancel:cancel", "Cancel active runs, and optionally drop those not sent yet."),
    "rerun": ("batchrun.cli.commands.rerun:rerun", "Rerun created runs, for instance those that failed."),
    "verify": ("batchrun.cli.commands.verify:verify", "Compare a ledger with the service."),
    "resolve": ("batchrun.cli.commands.resolve:resolve", "Resolve runs whose outcome stays unknown."),
    "recover": ("batchrun.cli.commands.recover:recover", "Rebuild a lost ledger from the runs that the service lists."),
    "ledger": ("batchrun.cli.commands.ledger:ledger", "Check, export or compact a ledger."),
    "bench": ("batchrun.cli.commands.bench:bench", "Measure submission throughput against a local service."),
    "emulator": ("batchrun.cli.commands.emulator:emulator", "Run a local emulator of Wherobots Cloud."),
    "schema": ("batchrun.cli.commands.schema:schema", "Print the manifest's JSON Schema, for editors."),
}
"""Each command's location and its one-line summary; a command is imported only when it is called."""

COLLECT_RARELY = (50_000, 20, 100)
"""Thresholds for ``gc.set_threshold``. A plan is many long-lived objects and hardly any cycles; with the default thresholds,
scanning for cycles takes about a tenth of ``submit``'s time."""

CONTEXT = {"help_option_names": ["-h", "--help"]}

EPILOG = """
Get started:

\b
  batchrun init sweep.toml
  batchrun plan sweep.toml
  batchrun submit sweep.toml --emulator

\b
Exit status: 0 all runs submitted; 1 some runs rejected, failed or unknown; 2 invalid
manifest or command line; 3 stopped early, resumable; 4 ledger unusable, or it belongs to
a different sweep or service; 130 or 143 interrupted, resumable.
"""


class LazyCommands(MutableMapping[str, Any]):
    """Commands by name, imported on first lookup so that ``--help`` stays fast."""

    def __init__(self, locations: dict[str, tuple[str, str]]) -> None:
        self._locations = locations
        self._loaded: dict[str, Any] = {}

    @override
    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _command(name, self._locations[name][0])
        return self._loaded[name]

    @override
    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    @override
    def __delitem__(self, name: str) -> None:
        self._loaded.pop(name, None)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._locations)

    @override
    def __len__(self) -> int:
        return len(self._locations)


def _command(name: str, location: str) -> TyperCommand | TyperGroup:
    """The command at ``module:function``, or the group at ``module:typer``; the module's ``EXAMPLES`` end its help."""
    target = load(location)
    if not isinstance(target, typer.Typer):
        examples = getattr(import_module(location.partition(":")[0]), "EXAMPLES", None)
        # Without rich's markup, which would swallow brackets such as those of [submit].
        target, function = typer.Typer(add_completion=False, rich_markup_mode=None), target
        target.command(name, epilog=examples, context_settings=CONTEXT)(function)
    command = typer.main.get_command(target)
    assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101 - typer builds nothing else
    command.name = name
    for parameter in command.params:
        if isinstance(parameter, TyperArgument) and parameter.nargs != 1:
            label = "path" if parameter.metavar == "LEDGER" else "text"
            parameter.bare_type = partial(str, label)  # type: ignore[method-assign]  # otherwise help shows list[Path]
    return command


class LazyGroup(TyperGroup):
    """A group that lists its commands without importing them."""

    @override
    def list_commands(self, ctx: object) -> list[str]:
        return list(self.commands)

    @override
    def format_commands(self, ctx: object, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def _show_version(requested: bool) -> None:
    if requested:
        typer.echo(f"batchrun {load('importlib.metadata:version')('batchrun-wherobots')}")
        raise typer.Exit


def command_line() -> LazyGroup:
    """The whole command line as one object, used to run it and to generate its reference."""
    app = typer.Typer(
        cls=LazyGroup,
        rich_markup_mode=None,
        # Typer's own tracebacks can show local variables, and one of them is the API key.
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        epilog=EPILOG,
        context_settings=CONTEXT,
    )

    @app.callback()
    def batchrun(
        _: Annotated[
            bool,
            typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Print the version and exit."),
        ] = False,
    ) -> None:
        """Submit thousands of Wherobots job runs from one sweep manifest, each created exactly once."""

    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)  # noqa: S101 - an app with a callback is a group
    group.commands = LazyCommands(COMMANDS)
    return group


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its status. Tunes this process's garbage collector, so not for embedding."""
    gc.set_threshold(*COLLECT_RARELY)
    open_missing_streams()
    status = run(list(sys.argv[1:] if args is None else args))
    _flush()
    gc.freeze()  # what is left ends with the process: looking through it once more for garbage takes 70 ms
    # Only after the flush: on a full disk, that is what shows that output is lost.
    return int(ExitStatus.INCOMPLETE if status == ExitStatus.DONE and is_output_lost() else status)


def run(args: list[str]) -> int:
    """Run one command and return its exit status; every foreseeable error is reported as place, fact and fix."""
    as_json = "--json" in args  # an error may come before the options are parsed
    if args[:1] == ["help"]:  # a habit from git and go; typer has no such command
        args = [*args[1:], "--help"]
    try:
        # Outside standalone mode typer neither prints errors nor exits, so that every error is reported below.
        status = command_line().main(args, prog_name="batchrun", standalone_mode=False) or 0
        if status == ExitStatus.INTERRUPTED and not isinstance(status, ExitStatus):
            return _interrupted(as_json=as_json)  # typer turned Ctrl-C into a plain 130; commands return an ExitStatus
        return int(status)
    except BatchrunError as error:
        return _fail(error.problems, status_of(error), as_json=as_json)
    except typer.TyperException as error:
        return _usage_error(error, args, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(as_json=as_json)
    except OSError as error:
        return _os_error(error, as_json=as_json)
    except Exception:  # noqa: BLE001 - the last resort: a bug, reported without showing the API key
        print(sanitized(traceback.format_exc()), file=sys.stderr)  # noqa: T201 - the command's own Output is gone
        problem = Problem(
            "batchrun", "unexpected error; this is a bug in batchrun", "please report the traceback above"
        )
        return _fail([problem], ExitStatus.BUG, as_json=as_json)


def _interrupted(*, as_json: bool) -> ExitStatus:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends the process at once, without a traceback
    return _fail([Problem("Ctrl-C", "interrupted")], ExitStatus.INTERRUPTED, as_json=as_json)


def _fail(problems: Sequence[Problem], status: ExitStatus, *, as_json: bool) -> ExitStatus:
    show_problems(problems, status, as_json=as_json)
    return status


def _usage_error(error: typer.TyperException, args: list[str], *, as_json: bool) -> ExitStatus:
    """Report an unknown command or option as place, fact and fix; a group called without a command shows its help."""
    context = getattr(error, "ctx", None)
    command = f"batchrun {args[0]}" if args and args[0] in COMMANDS else "batchrun"
    place = context.command_path if context is not None else command
    if type(error).__name__ == "NoArgsIsHelpError":  # typer does not export it
        typer.echo(error.format_message(), err=True)
        return ExitStatus.USAGE
    similar = getattr(error, "possibilities", None)
    fix = f"did you mean {' or '.join(similar)}?" if similar else f"see {place} --help"
    fact = _without_validator((error.message if similar else error.format_message()).rstrip("."))
    if " Did you mean " in fact:  # an unknown command's message holds its own suggestion, in quotes
        fact, _, suggestion = fact.partition(". Did you mean ")
        fix = f"did you mean {suggestion.replace(chr(39), '')}"
    return _fail([Problem(place, fact[:1].lower() + fact[1:], fix)], ExitStatus.USAGE, as_json=as_json)


def _without_validator(fact: str) -> str:
    """The message of an invalid value, without the words that typer's validator adds."""
    fact = fact.replace(": Value error, ", ": ").replace(": Input should be ", ": must be ")
    return re.sub(r" valid (integer|number), unable to parse string as an? \w+$", r" \1", fact).replace(
        "a integer", "an integer"
    )


def _os_error(error: OSError, *, as_json: bool) -> ExitStatus:
    if error.errno == errno.EPIPE:  # as in `batchrun plan | head`: the reader has what it wanted
        return ExitStatus.DONE
    place = os.fsdecode(error.filename) if error.filename is not None else "batchrun"
    return _fail([Problem(place, (error.strerror or str(error)).lower())], ExitStatus.USAGE, as_json=as_json)


def _flush() -> None:
    """Flush both streams, so that the interpreter prints no error at exit when the reader of a pipe is gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError) as error:  # closed pipe, closed stream, no stream at all
            if isinstance(error, OSError) and stream is sys.stdout:
                lose_output(error)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1 if stream is sys.stdout else 2)
