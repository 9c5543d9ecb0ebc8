"""Scripts have what the command has: a ledger of another plan is refused by the library itself."""

import os
import subprocess
from pathlib import Path

from tests.laws.command import COMMAND, KEY, Command, once
from tests.laws.service import Service

SCRIPT = """
import os, sys
import anyio, batchrun
from pathlib import Path
from pydantic import SecretStr

open_ledger = (getattr(batchrun, "FileLedger", None) or batchrun.Ledger).open

async def main():
    plan = batchrun.build_plan(batchrun.Manifest.load(Path("sweep.toml")), environ=os.environ)
    api = batchrun.ApiSettings(api_key=SecretStr(os.environ["WHEROBOTS_API_KEY"]), base_url=sys.argv[1])
    async with batchrun.RunsClient(api, batchrun.open_transport(api, connections=4)) as client:
        with open_ledger(Path("sweep.ledger.jsonl"), create=True) as ledger:
            done = await batchrun.submit(plan, ledger, client, settings=batchrun.SubmitSettings(rate=200))
    print("pending", done.progress.pending)

try:
    anyio.run(main)
except batchrun.LedgerError as error:
    print(error)
    sys.exit(4)
"""


def run(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    python = COMMAND.with_name("python")
    environ = {**os.environ, "WHEROBOTS_API_KEY": KEY}
    words = [str(python), "-c", SCRIPT, url]
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_a_ledger_of_another_plan_is_refused(command: Command, service: Service) -> None:
    command.sweep(8)
    first = run(command.folder, service.url)
    assert (first.returncode, first.stdout) == (0, "pending 0\n"), first.stderr
    command.sweep(3)
    refused = run(command.folder, service.url)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "the sweep differs from the one in this ledger" in refused.stdout
    assert service.names() == once(8)
