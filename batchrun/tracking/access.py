"""Check the API key's organization before runs are followed or cancelled: another organization's lists show none of them.

More lenient than `batchrun.engine.listing.organization`: following works without the calls that could tell, so it begins without proof
where they are refused or fail. Then no run is taken for gone.
"""

from functools import partial
from itertools import islice
from pathlib import Path

from batchrun.errors import ApiError, LedgerMismatchError
from batchrun.ledger.state import BatchState
from batchrun.ledger.statuses import GONE
from batchrun.tracking.reading import CallRefusedError, Reader, ReadFailure, failure_of
from batchrun.wherobots.client import RunsClient

__all__ = ["another_organization", "check_organization", "latest_ids", "unknown_runs"]

IDS_TO_READ = 3
"""Ids that are asked for where the organization is not revealed: if all are unknown, the key is another one's."""


async def check_organization(client: RunsClient, reader: Reader, state: BatchState, ledger: Path) -> bool:
    """Whether it is proven that the key belongs to the batch's organization; it may be impossible to know.

    Raises:
        LedgerMismatchError: it belongs to another one.

    """
    try:
        organization = await reader.read(client.organization_id, may_miss=True)
    except (ApiError, CallRefusedError):
        organization = None
    if organization is None or state.organization is None:
        return await _is_run_known(client, reader, state, ledger)
    if state.organization != organization:
        raise another_organization(str(ledger), organization, state.organization)
    return True


async def _is_run_known(client: RunsClient, reader: Reader, state: BatchState, ledger: Path) -> bool:
    """Whether the service knows a run of the batch; a key that knows none of several is another organization's."""
    ids = latest_ids(state)
    for run_id in ids:
        try:
            await reader.read(partial(client.find, run_id))
        except CallRefusedError as refused:
            # A 404 without the API's own error body says that there is no such call, not that there is no such run.
            if failure_of(refused.error) is ReadFailure.NOT_FOUND and refused.error.trouble.code is not None:
                continue
            return False
        except ApiError:
            return False
        return True
    if ids:
        raise unknown_runs(str(ledger), ids)
    return False


def latest_ids(state: BatchState) -> list[str]:
    """The runs that show whose key it is. Earlier ones prove less: the batch may have been continued with another key since.

    Those that the service has already been found to have forgotten say nothing about the key.
    """
    known = (run for run in reversed(state.runs.values()) if run.run_id is not None and run.status != GONE)
    return [run.run_id or "" for run in islice(known, IDS_TO_READ)]


def another_organization(place: str, organization: str, known: str) -> LedgerMismatchError:
    """The key belongs to ``organization``, the batch to ``known``."""
    fact = f"the API key belongs to organization {organization}, the batch to {known}"
    return LedgerMismatchError(place, fact, "use a key of that organization, or another --ledger")


def unknown_runs(place: str, ids: list[str]) -> LedgerMismatchError:
    """The key can read none of these runs of the batch."""
    fact = f"with this API key, the service knows none of {', '.join(ids)}, which are runs of this batch"
    return LedgerMismatchError(place, fact, "use the key that the batch was submitted with, or another --ledger")
