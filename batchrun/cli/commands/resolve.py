"""``batchrun resolve``."""

from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.looking import service_of
from batchrun.cli.output import Output
from batchrun.cli.resolving import ResolveRequest, run_resolve
from batchrun.engine.reconciling.decisions import Decision
from batchrun.errors import UsageError
from batchrun.ledger.find import find_ledger

__all__ = ["EXAMPLES", "resolve"]

EXAMPLES = """
Examples:

\b
  batchrun resolve sweep.toml
      show which runs are unknown, and what the service holds under their names
  batchrun resolve sweep.toml ndvi-us-2021 --adopt gt3oirei5widjk
      adopt this run as the planned run
  batchrun resolve sweep.toml --all-unknown --adopt-held
      adopt the one run that exists under each name, even though its payload differs
  batchrun resolve sweep.toml ndvi-us-2022 --resend
      no such run exists; allow it to be sent again
"""

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME|KEY", help="Names or keys of runs; without any, all unknown runs are shown."),
]
AllUnknown = Annotated[bool, typer.Option("--all-unknown", help="Resolve every run whose outcome is unknown.")]
Adopt = Annotated[str | None, typer.Option("--adopt", metavar="RUN_ID", help="The run exists; adopt this one.")]
AdoptHeld = Annotated[
    bool, typer.Option("--adopt-held", help="The run exists; adopt the only one that the service holds under its name.")
]
Resend = Annotated[bool, typer.Option("--resend", help="The run does not exist; allow it to be sent again.")]
NotOurs = Annotated[
    bool, typer.Option("--not-ours", help="With --resend: existing runs with this name belong to another batch.")
]
Drop = Annotated[bool, typer.Option("--drop", help="Drop the run; it is not sent, or not sent again.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Record the decision without asking for confirmation.")]


def resolve(
    path: o.LedgerArgument,
    words: Words = None,
    *,
    all_unknown: AllUnknown = False,
    adopt: Adopt = None,
    adopt_held: AdoptHeld = False,
    resend: Resend = False,
    not_ours: NotOurs = False,
    drop: Drop = False,
    yes: Yes = False,
    base_url: o.BaseUrl = None,
    timeout: o.Timeout = None,
    emulator: o.OfEmulator = False,
    as_json: o.Json = False,
) -> int:
    """Resolve runs whose outcome stays unknown: adopt an existing run, allow a resend, or drop the run.

    Without a decision, shows what the service holds under each name. Decisions are recorded in the ledger. Asks for
    confirmation first; without a terminal, pass --yes.
    """
    flags = {"--adopt": adopt is not None, "--adopt-held": adopt_held, "--resend": resend, "--drop": drop}
    given = [flag for flag, is_given in flags.items() if is_given]
    if len(given) > 1:
        raise UsageError(given[1], f"cannot be combined with {given[0]}", "choose one of them")
    if not_ours and not resend:
        raise UsageError("--not-ours", "only applies to --resend", "add --resend, or remove it")
    if words and all_unknown:
        raise UsageError("--all-unknown", "cannot be combined with names or keys", "choose one of them")
    # A decision may create a run a second time: what it is about has to be said.
    if given and not words and not all_unknown:
        raise UsageError(given[0], "no runs were selected", "pass names or keys, or --all-unknown")
    ledger = find_ledger(path, emulator=emulator)
    request = ResolveRequest(
        ledger=ledger,
        service=service_of(ledger, base_url=base_url),
        timeout_s=o.seconds_from("--timeout", timeout),
        words=tuple(words) if words else None,
        decision=_DECISIONS[given[0]] if given else None,
        adopt=adopt,
        not_ours=not_ours,
        resume=o.resume_command(ledger, base_url=base_url, timeout=timeout),
        ask=not yes,
    )
    return run_resolve(request, Output(as_json=as_json))


_DECISIONS = {
    "--adopt": Decision.ADOPT,
    "--adopt-held": Decision.ADOPT,
    "--resend": Decision.RESEND,
    "--drop": Decision.DROP,
}
