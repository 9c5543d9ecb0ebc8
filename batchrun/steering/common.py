"""What the calls that manage a batch share: its plan, the name of its service, and a paced reader."""

from collections.abc import Mapping
from pathlib import Path

from batchrun.engine.batch import plan_of
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.settings import SubmitSettings
from batchrun.ledger.events import BatchEvent
from batchrun.ledger.location import EMULATOR
from batchrun.ledger.reader import read_batch
from batchrun.ledger.state import BatchState
from batchrun.sweep.plan import Plan
from batchrun.tracking.reading import Reader
from batchrun.wherobots.client import RunsClient

__all__ = ["ledgers_plan", "ledgers_service", "reader_of"]


def ledgers_plan(path: Path, environ: Mapping[str, str], *, resolve: bool = True) -> Plan:
    return plan_of(read_batch(path), path, environ, resolve=resolve)


def ledgers_service(batch: BatchEvent | None) -> str | None:
    """The name of the client's service in the ledger, if it is not its base URL."""
    return EMULATOR if batch is not None and batch.base_url == EMULATOR else None


def reader_of(client: RunsClient, state: BatchState) -> Reader:
    return Reader(pacer_for(client, SubmitSettings(), state).wait_for_read)
