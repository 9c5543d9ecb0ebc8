"""Does the API key belong to the organisation that the batch's runs are in? Another one's lists show nothing of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from batchrun.errors import ApiError, LedgerMismatchError
from batchrun.ledger.fold import BatchState
from batchrun.wherobots.client import RunsClient

__all__ = ["CheckedOrganization", "check_organization", "organization_of"]

IDS_TO_READ = 3
"""Submitted ids that are asked for where the organisation is not revealed: if all are unknown, the key is another one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOrganization:
    """What could be found out about the organisation that an API key belongs to."""

    organization: str | None
    """Its id, if the service reveals it."""
    is_proven: bool
    """It is the batch's, by its id or by a run that the key can read; not merely not another one."""


async def check_organization(
    state: BatchState, client: RunsClient, place: str, wait: Callable[[], Awaitable[None]]
) -> CheckedOrganization:
    """Find out whether the key belongs to the organisation of the batch. ``wait`` is awaited before each call.

    Raises:
        LedgerMismatchError: the batch belongs to another one; ``place`` is where the error says it was found.

    """
    organization = await organization_of(client, wait)
    known = state.organization
    if organization is not None and known is not None:
        if organization != known:
            fact = f"the API key belongs to organisation {organization}, the batch to {known}"
            raise LedgerMismatchError(place, fact, "use a key of that organisation, or another --ledger")
        return CheckedOrganization(organization=organization, is_proven=True)
    is_proven = await _knows_a_run(state, client, place, wait)
    return CheckedOrganization(organization=organization, is_proven=is_proven)


async def organization_of(client: RunsClient, wait: Callable[[], Awaitable[None]]) -> str | None:
    """The id of the key's organisation; None if the service does not reveal it."""
    await wait()
    try:
        return await client.organization_id()
    except ApiError:
        return None


async def _knows_a_run(state: BatchState, client: RunsClient, place: str, wait: Callable[[], Awaitable[None]]) -> bool:
    """Whether the key can read a run of the batch; one that knows none of several is another organisation's."""
    ids = [run.run_id for run in state.runs.values() if run.run_id is not None][-IDS_TO_READ:]
    for run_id in ids:
        await wait()
        try:
            await client.find(run_id)
        except ApiError as error:
            if error.http_status == 404:  # noqa: PLR2004
                continue
            return False
        return True
    if ids:
        fact = f"the service knows none of {', '.join(ids)}, runs of this batch, with this API key"
        raise LedgerMismatchError(place, fact, "use the key that the batch was submitted with, or another --ledger")
    return False
