"""``batchrun submit``."""

import os

from batchrun.cli import options as o
from batchrun.cli.output import Output
from batchrun.cli.planning import default_ledger, overrides_from, plan_from
from batchrun.cli.service import service_name
from batchrun.cli.submitting import SubmitRequest, run_submission
from batchrun.engine.settings import SubmitSettings

__all__ = ["EXAMPLES", "submit"]

EXAMPLES = """
Examples:

\b
  batchrun submit sweep.toml --emulator
      try it without a key: a local Wherobots Cloud in this process
  batchrun submit sweep.toml --rate 5 --stop-after-failures 5%
      five attempts a second at most; stop when one run in twenty ends badly
  batchrun submit sweep.toml --where region=us --sample 20 --seed 1
      twenty of the points in one region, the same twenty each time
  batchrun submit sweep.toml --retry rejected,failed
      go on, and send again what was refused
"""


def submit(
    sweep: o.SweepArgument,
    *,
    emulator: o.Emulator = False,
    yes: o.Yes = False,
    dry_run: o.DryRun = False,
    extend: o.Extend = False,
    retry: o.Retry = None,
    ledger: o.LedgerOption = None,
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
    set_: o.Set = None,
    axis: o.Axis = None,
    where: o.Where = None,
    sample: o.Sample = None,
    seed: o.Seed = None,
    max_points: o.MaxPoints = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Create every run of a sweep, each once.

    Run again, it goes on where it stopped: the ledger beside the manifest knows what exists. A sweep that has changed
    since is refused, with the difference, unless --extend is given.
    """
    overrides = overrides_from(set_=set_, axis=axis, where=where, sample=sample, seed=seed, max_points=max_points)
    typed = {
        "rate": rate,
        "burst": burst,
        "concurrency": concurrency,
        "max_active": max_active,
        "max_attempts": max_attempts,
        "settle_after": settle_after,
        "stop_after_failures": stop_after_failures,
    }
    service = service_name(os.environ, base_url=base_url, emulator=emulator)
    plan = plan_from(sweep, overrides, os.environ, resolve=True)
    path = ledger or default_ledger(sweep)
    request = SubmitRequest(
        plan=plan,
        ledger=path,
        service=service,
        settings=SubmitSettings.of(plan.submit, **o.settings_flags(typed)),
        retry=o.retry_from(retry),
        timeout_s=o.seconds_from("--timeout", timeout),
        extend=extend,
        to_another_server=to_another_server,
        ask=not yes,
        dry_run=dry_run,
        resume=o.resume_command(path, base_url=base_url, timeout=timeout, **typed),
    )
    return run_submission(request, Output(as_json=as_json, quiet=quiet))
