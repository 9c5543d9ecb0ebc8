"""For commands that query the service about a ledger's runs: which service that is, and a client for it."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import anyio

from batchrun.cli.loading import loop_options
from batchrun.cli.output import Output
from batchrun.cli.service import open_service, service_of_batch
from batchrun.engine.batch import plan_of
from batchrun.engine.learned_rate import pacer_for
from batchrun.engine.settings import SubmitSettings
from batchrun.errors import BatchrunError, LedgerMismatchError, Problem
from batchrun.ledger.events import BatchEvent
from batchrun.ledger.reader import read_batch
from batchrun.ledger.state import BatchState
from batchrun.sweep.plan import Plan
from batchrun.tracking.reading import Reader
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import is_same_service
from batchrun.wherobots.transports import open_transport

__all__ = ["ask_service", "plan_to_compare", "reader_for", "service_of"]

T = TypeVar("T")

CONNECTIONS = 10
"""A few more than the calls that are made at once."""


def service_of(ledger: Path, *, base_url: str | None) -> str:
    """The service to ask about a ledger's runs: the configured one, which must be the ledger's.

    The URL in the ledger alone does not decide where the API key is sent: the file may be somebody else's.

    Raises:
        UsageError: the URL is not usable.
        LedgerMismatchError: the ledger's service is another one.
        LedgerError: the ledger cannot be read.

    """
    batch = read_batch(ledger)
    service = service_of_batch(batch, os.environ, base_url=base_url, emulator=False)
    if not is_same_service(batch.base_url, service):
        fact = f"the batch was submitted to {batch.base_url}, not to {service}"
        raise LedgerMismatchError(str(ledger), fact, f"use --base-url {batch.base_url}")
    return service


def ask_service(
    service: str, work: Callable[[RunsClient], Awaitable[T]], *, ledger: Path, timeout_s: float | None
) -> T:
    """Run ``work`` with a client of the service that the ledger's runs are at.

    Raises:
        BatchrunError: the API key is missing, or whatever ``work`` raises.

    """

    async def asked() -> T:
        async with RunsClient(api, open_transport(api, connections=CONNECTIONS)) as client:
            return await work(client)

    with open_service(service, os.environ, ledger=ledger, timeout_s=timeout_s) as api:
        return anyio.run(asked, backend_options=loop_options())


def reader_for(client: RunsClient, state: BatchState) -> Reader:
    """Makes read requests at the rate that they have beside a batch's attempts."""
    return Reader(pacer_for(client, SubmitSettings(), state).wait_for_read)


def plan_to_compare(batch: BatchEvent, ledger: Path, output: Output) -> Plan | None:
    """The batch's plan with ``<env.NAME>`` for values of the environment; None, and a note, if it cannot be rebuilt."""
    try:
        return plan_of(batch, ledger, os.environ, resolve=False)
    except BatchrunError as error:
        fact = f"the plan cannot be rebuilt, so payloads are not compared: {error.problems[0].text()}"
        output.warn(Problem(str(ledger), fact))
        return None
