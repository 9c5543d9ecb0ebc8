"""``batchrun verify``."""

from math import isfinite
from typing import Annotated

import typer

from batchrun.cli import options as o
from batchrun.cli.exits import ExitStatus
from batchrun.cli.looking import ask_service, plan_to_compare, service_of
from batchrun.cli.output import Output
from batchrun.cli.reading import reading
from batchrun.cli.views.verify import show_verification, verification_json
from batchrun.engine.reconciling.verify import verify as compare
from batchrun.errors import UsageError
from batchrun.ledger.find import find_ledger
from batchrun.ledger.reader import read_batch

__all__ = ["EXAMPLES", "verify"]

EXAMPLES = """
Examples:

\b
  batchrun verify sweep.toml
      compare the sweep's ledger with the service
  batchrun verify sweep.toml --json | jq -r '.to_cancel[]'
      ids of the extra runs to cancel
"""

Rate = Annotated[
    float | None,
    typer.Option("--rate", metavar="R", help="Maximum calls per second; defaults to the rate of the batch."),
]


def verify(
    path: o.LedgerArgument,
    *,
    rate: Rate = None,
    base_url: o.BaseUrl = None,
    timeout: o.Timeout = None,
    emulator: o.OfEmulator = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Compare a ledger with the service: find runs that are missing, duplicated, or not in the ledger.

    Changes neither, and works while the batch is being submitted. The exit status is 0 if they agree, and 1 if there are
    findings or something could not be checked.
    """
    # Not by typer's own bounds, which accept nan.
    if rate is not None and not (rate > 0 and isfinite(rate)):
        raise UsageError("--rate", f"{rate:g} is not a rate", "use a number greater than 0")
    output, ledger = Output(as_json=as_json, quiet=quiet), find_ledger(path, emulator=emulator)
    service = service_of(ledger, base_url=base_url)
    plan = plan_to_compare(read_batch(ledger), ledger, output)
    with reading(output, "verify") as observe:
        found = ask_service(
            service,
            lambda client: compare(ledger, client, plan=plan, rate_per_s=rate, observe=observe),
            ledger=ledger,
            timeout_s=o.seconds_from("--timeout", timeout),
        )
    show_verification(found, str(ledger), output)
    status = ExitStatus.DONE if found.is_clean else ExitStatus.INCOMPLETE
    output.document({"ledger": str(ledger)} | verification_json(found) | {"exit_status": int(status)})
    return status
