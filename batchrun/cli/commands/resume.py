"""``batchrun resume``."""

import os

from batchrun.cli import options as o
from batchrun.cli.output import Output
from batchrun.cli.service import EMULATOR, service_name
from batchrun.cli.submitting import SubmitRequest, run_submission
from batchrun.engine.batch import plan_of
from batchrun.engine.settings import SubmitSettings
from batchrun.ledger.reader import read_batch

__all__ = ["EXAMPLES", "resume"]

EXAMPLES = """
Examples:

\b
  batchrun resume sweep.ledger.jsonl
      send what is pending, find out about what is unknown
  batchrun resume sweep.ledger.jsonl --retry failed
      and send the failed ones again
  batchrun resume sweep.ledger.jsonl --dry-run
      say what would be done
"""


def resume(
    ledger: o.LedgerArgument,
    *,
    emulator: o.Emulator = False,
    dry_run: o.DryRun = False,
    retry: o.Retry = None,
    rate: o.Rate = None,
    burst: o.Burst = None,
    concurrency: o.Concurrency = None,
    max_active: o.MaxActive = None,
    max_attempts: o.MaxAttempts = None,
    settle_after: o.SettleAfter = None,
    stop_after_failures: o.StopAfterFailures = None,
    base_url: o.BaseUrl = None,
    timeout: o.Timeout = None,
    to_another_server: o.ToAnotherServer = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Go on with a batch from its ledger alone.

    The ledger holds the manifest and what became of each run. Submitted and rejected runs are left alone, unknown ones
    are settled first, pending ones are sent.
    """
    batch = read_batch(ledger)
    typed = {
        "rate": rate,
        "burst": burst,
        "concurrency": concurrency,
        "max_active": max_active,
        "max_attempts": max_attempts,
        "settle_after": settle_after,
        "stop_after_failures": stop_after_failures,
    }
    plan = plan_of(batch, ledger, os.environ)
    was_emulated = batch.base_url == EMULATOR and base_url is None
    request = SubmitRequest(
        plan=plan,
        ledger=ledger,
        service=service_name(os.environ, base_url=base_url, emulator=emulator or was_emulated),
        settings=SubmitSettings.of(plan.submit, **o.settings_flags(typed)),
        retry=o.retry_from(retry),
        timeout_s=o.seconds_from("--timeout", timeout),
        create=False,
        to_another_server=to_another_server,
        dry_run=dry_run,
        resume=o.resume_command(ledger, base_url=base_url, timeout=timeout, **typed),
    )
    return run_submission(request, Output(as_json=as_json, quiet=quiet))
