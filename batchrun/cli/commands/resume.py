"""``batchrun resume``."""

import os

from batchrun.cli import options as o
from batchrun.cli.flags import SubmissionFlags, expand_flags
from batchrun.cli.ledgers import find_ledger
from batchrun.cli.output import Output
from batchrun.cli.service import EMULATOR, service_name
from batchrun.cli.submitting import SubmitRequest, run_submission
from batchrun.engine.batch import plan_of
from batchrun.ledger.reader import read_batch

__all__ = ["EXAMPLES", "resume"]

EXAMPLES = """
Examples:

\b
  batchrun resume sweep.ledger.jsonl
      send pending runs, and settle unknown ones
  batchrun resume sweep.ledger.jsonl --retry failed
      also send failed runs again
  batchrun resume sweep.ledger.jsonl --dry-run
      show what would be done
"""


@expand_flags
def resume(
    path: o.LedgerArgument,
    *,
    flags: SubmissionFlags,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Resume a batch from its ledger alone.

    The ledger holds the manifest and the outcome of each run. Submitted and rejected runs are left alone, unknown ones are
    settled first, and pending ones are sent.
    """
    ledger = find_ledger(path, emulator=flags.emulator)
    batch = read_batch(ledger)
    plan = plan_of(batch, ledger, os.environ)
    was_emulated = batch.base_url == EMULATOR and flags.base_url is None
    request = SubmitRequest(
        plan=plan,
        ledger=ledger,
        service=service_name(os.environ, base_url=flags.base_url, emulator=flags.emulator or was_emulated),
        settings=flags.settings(plan.submit),
        retry=flags.retried_outcomes,
        timeout_s=flags.timeout_s,
        create=False,
        existing=flags.existing,
        to_another_server=flags.to_another_server,
        dry_run=flags.dry_run,
        resume=flags.resume_command(ledger),
    )
    return run_submission(request, Output(as_json=as_json, quiet=quiet))
