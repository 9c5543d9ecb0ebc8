"""Code that a team might own: it submits a sweep from Python."""

from pathlib import Path

import anyio

from batchrun import ApiSettings, FileLedger, Manifest, RunsClient, Submission, build_plan, open_transport, submit

SWEEP = """\
version = 1

[run]
name    = "tile-{{tile}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{tile}}"]

[axes]
tile = { from = 1001, to = 1040 }

[submit]
settle_after = "1s"
"""


def submit_tiles(ledger: Path, settings: ApiSettings) -> Submission:
    """Create a run for each tile, each exactly once."""
    plan = build_plan(Manifest.parse(SWEEP, name="tiles", directory=ledger.parent))

    async def run() -> Submission:
        with FileLedger.open(ledger, create=True) as opened:
            async with RunsClient(settings, open_transport(settings)) as client:
                return await submit(plan, opened, client)

    return anyio.run(run)
