"""What the engine's tests share: small plans, and a client of an emulator in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from batchrun.emulator.http.app import create_app
from batchrun.emulator.settings import EmulatorSettings
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings

__all__ = ["URL", "open_client", "plan_of"]

URL = "http://127.0.0.1:1"
"""Never connected to: the application is called directly."""
SWEEP = """\
version = 1
[run]
name    = "tile-run-{{n}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{n}}"]
[axes]
n = { from = 1, to = LAST }
"""


def plan_of(runs: int, *, extra: str = "") -> Plan:
    """A plan of ``runs`` runs; ``extra`` is appended to the manifest."""
    return build_plan(
        Manifest.parse(SWEEP.replace("LAST", str(runs)) + extra, name="tiles", directory=Path()), environ={}
    )


@asynccontextmanager
async def open_client(settings: EmulatorSettings | None = None, *, url: str = URL) -> AsyncIterator[RunsClient]:
    """A client whose requests go straight to an emulator's application."""
    app = create_app(settings or EmulatorSettings())
    async with RunsClient(ApiSettings(api_key="k-engine", base_url=url), httpx.ASGITransport(app)) as client:
        yield client
