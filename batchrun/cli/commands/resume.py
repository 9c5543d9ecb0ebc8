"""``batchrun resume``."""

import os
from dataclasses import replace
from pathlib import Path

from batchrun.cli import options as o
from batchrun.cli.flags import SubmissionFlags, expand_flags
from batchrun.cli.output import Output
from batchrun.cli.planning import without_environment
from batchrun.cli.sending_nothing import show_if_nothing_is_sent
from batchrun.cli.service import open_service, service_of_batch
from batchrun.cli.settling import settle_unknown
from batchrun.cli.submit_request import SubmitRequest, request_from
from batchrun.cli.submitting import run_submission
from batchrun.engine.batch import plan_of
from batchrun.errors import ManifestError, Problem
from batchrun.ledger.file import FileLedger
from batchrun.ledger.find import find_ledger
from batchrun.ledger.reader import read_batch
from batchrun.sweep.local_file import changed_uploads
from batchrun.sweep.manifest.manifest import SubmitTable
from batchrun.sweep.plan import Plan

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
    yes: o.Yes = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Resume a batch from its ledger alone.

    The ledger holds the manifest and the outcome of each run. Submitted and rejected runs are left alone, unknown ones are
    settled first, and pending ones are sent. On a terminal, shows what would be sent and asks for confirmation.
    """
    ledger = find_ledger(path, emulator=flags.emulator)
    batch, output = read_batch(ledger), Output(as_json=as_json, quiet=quiet)
    service = service_of_batch(batch, os.environ, base_url=flags.base_url, emulator=flags.emulator)

    def request(plan: Plan) -> SubmitRequest:
        return replace(request_from(flags, plan, ledger, service, yes=yes), create=False)

    try:
        plan = plan_of(batch, ledger, os.environ)
    except ManifestError:
        bare = without_environment(lambda: plan_of(batch, ledger, os.environ, resolve=False))
        if bare is not None and (status := show_if_nothing_is_sent(request(bare), output)) is not None:
            return status
        # Nothing can be sent, but what may exist can still be found out: that needs no plan.
        if not flags.dry_run:
            _settle(ledger, service, flags, output)
        raise
    for path_of_file in changed_uploads(plan.uploads):
        fact = "it changed since the batch began; the version that the batch began with is used"
        output.warn(Problem(path_of_file, fact, "to run the new one, submit the sweep with --extend"))
    return run_submission(request(plan), output)


def _settle(path: Path, service: str, flags: SubmissionFlags, output: Output) -> None:
    """The plan can no longer be built, so nothing can be sent; unknown runs can still be settled."""
    settings = flags.settings(SubmitTable())
    with (
        open_service(service, os.environ, ledger=path, timeout_s=flags.timeout_s) as api,
        FileLedger.open(path) as ledger,
    ):
        settle_unknown(ledger, api, settings, output, service=service)
