"""Does the API key belong to the organisation that the batch's runs are in? Another one's lists show nothing of them."""

from batchrun.errors import ApiError, LedgerMismatchError
from batchrun.ledger.fold import BatchState
from batchrun.wherobots.client import RunsClient

__all__ = ["check_organization", "check_submitted_ids"]

IDS_TO_READ = 3
"""Submitted ids that are asked for where the organisation is not revealed: if all are unknown, the key is another one's."""


async def check_organization(state: BatchState, client: RunsClient, place: str) -> str | None:
    """The id of the key's organisation; None if the service does not reveal it.

    Raises:
        LedgerMismatchError: the batch belongs to another one; ``place`` is where the error says it was found.

    """
    try:
        organization = await client.organization_id()
    except ApiError:
        return None
    known = state.organization
    if known is not None and known != organization:
        fact = f"the API key belongs to organisation {organization}, the batch to {known}"
        raise LedgerMismatchError(place, fact, "use a key of that organisation, or another --ledger")
    return organization


async def check_submitted_ids(state: BatchState, client: RunsClient, place: str) -> None:
    """Where the organisation is not revealed, a run of the batch is: a key that knows none of several is another's.

    Raises:
        LedgerMismatchError: the service knows none of the latest runs with this key.

    """
    ids = [run.run_id for run in state.runs.values() if run.run_id is not None][-IDS_TO_READ:]
    for run_id in ids:
        try:
            await client.get(run_id)
        except ApiError as error:
            if error.http_status == 404:  # noqa: PLR2004
                continue
        return
    if ids:
        fact = f"the service knows none of {', '.join(ids)}, runs of this batch, with this API key"
        raise LedgerMismatchError(place, fact, "use the key that the batch was submitted with, or another --ledger")
