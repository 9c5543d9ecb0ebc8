"""Fetch and record costs that may have changed, before a command reads the ledger."""

from collections.abc import Callable
from pathlib import Path

from batchrun.cli.looking import ask_service, service_of
from batchrun.errors import Problem
from batchrun.steering.fetch_costs import fetch_costs
from batchrun.wherobots.client import RunsClient

__all__ = ["refresh_ledger_costs"]


def refresh_ledger_costs(
    ledger: Path,
    on_note: Callable[[Problem], None],
    *,
    base_url: str | None,
    timeout_s: float | None = None,
    look: bool = True,
) -> None:
    """Ask the service for costs that may have changed, and record them; ``look``: at runs that nobody followed first.

    Raises:
        LedgerError: the ledger cannot be used, or belongs to another service or organization.
        UsageError: the API key or another setting is missing.

    """

    async def refresh(client: RunsClient) -> None:
        await fetch_costs(ledger, client, look=look, on_note=on_note)

    ask_service(service_of(ledger, base_url=base_url), refresh, ledger=ledger, timeout_s=timeout_s)
