"""``batchrun submit``."""

import os
from dataclasses import replace

from batchrun.cli import options as o
from batchrun.cli.flags import SubmissionFlags, SweepFlags, expand_flags
from batchrun.cli.ledgers import ledger_for
from batchrun.cli.output import Output
from batchrun.cli.planning import plan_from, without_environment
from batchrun.cli.sending_nothing import show_if_nothing_is_sent
from batchrun.cli.service import service_name
from batchrun.cli.submit_request import SubmitRequest, request_from
from batchrun.cli.submitting import run_submission
from batchrun.engine.preflight.existing import Existing
from batchrun.errors import ManifestError
from batchrun.sweep.plan import Plan

__all__ = ["EXAMPLES", "submit"]

EXAMPLES = """
Examples:

\b
  batchrun submit sweep.toml --emulator
      try it without an API key: an emulator of Wherobots Cloud in this process
  batchrun submit sweep.toml --rate 5 --stop-after-failures 5%
      at most five attempts per second; stop once one run in twenty has failed
  batchrun submit sweep.toml --where region=us --sample 20 --seed 1
      twenty points of one region, the same twenty each time
  batchrun submit sweep.toml --retry rejected,failed
      resume, and send rejected and failed runs again
"""


@expand_flags
def submit(
    sweep: o.SweepArgument,
    *,
    flags: SubmissionFlags,
    yes: o.Yes = False,
    extend: o.Extend = False,
    recreate: o.Recreate = False,
    again: o.Again = False,
    ledger: o.LedgerOption = None,
    overrides: SweepFlags,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Create every run of a sweep, each exactly once.

    Run it again to resume: the ledger next to the manifest records which runs exist. If the sweep has changed since, the
    difference is shown and nothing is sent unless you pass --extend.
    """
    service = service_name(os.environ, base_url=flags.base_url, emulator=flags.emulator)
    path, output = ledger_for(sweep, ledger, emulator=flags.emulator), Output(as_json=as_json, quiet=quiet)

    def request(plan: Plan) -> SubmitRequest:
        made = request_from(flags, plan, path, service, yes=yes)
        return replace(made, extend=extend, recreate=recreate, existing=Existing.FOREIGN if again else made.existing)

    try:
        plan = plan_from(sweep, overrides.overrides(), os.environ, resolve=True)
    except ManifestError:
        # Where nothing is left to send, it does not matter that a variable of the environment is gone.
        bare = without_environment(lambda: plan_from(sweep, overrides.overrides(), os.environ, resolve=False))
        if bare is not None and (status := show_if_nothing_is_sent(request(bare), output)) is not None:
            return status
        raise
    return run_submission(request(plan), output)
