"""Does the API key belong to the organization that the batch's runs are in? Another one's lists show nothing of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from batchrun.engine.scan import Scanner
from batchrun.engine.verdicts import is_call_refused
from batchrun.errors import ApiError, LedgerMismatchError
from batchrun.ledger.fold import BatchState

__all__ = ["CheckedOrganization", "check_organization", "organization_of"]

IDS_TO_READ = 3
"""Submitted ids that are asked for where the organization is not revealed: if all are unknown, the key is another one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOrganization:
    """What could be found out about the organization that an API key belongs to."""

    organization: str | None
    """Its id, if the service reveals it, and unless it may be another one than the batch's."""
    is_proven: bool
    """It is the batch's, by its id or by a run that the key can read; not merely not another one."""


async def check_organization(state: BatchState, scanner: Scanner, place: str) -> CheckedOrganization:
    """Find out whether the key belongs to the organization of the batch.

    Raises:
        LedgerMismatchError: the batch belongs to another one; ``place`` is where the error says it was found.
        ApiError: it cannot be found out now.

    """
    failure: ApiError | None = None
    try:
        organization = await scanner.organization()
    except ApiError as error:
        if error.http_status is None and not scanner.has_answered:
            raise  # nobody is there: nothing else needs to be asked
        organization, failure = None, error
    known = state.organization
    if organization is not None and known is not None:
        if organization != known:
            fact = f"the API key belongs to organization {organization}, the batch to {known}"
            raise LedgerMismatchError(place, fact, "use a key of that organization, or another --ledger")
        return CheckedOrganization(organization=organization, is_proven=True)
    if not state.has_runs:
        return CheckedOrganization(organization=organization, is_proven=False)
    is_proven = await _knows_a_run(state, scanner, place)
    if failure is not None and _may_pass(failure) and not is_proven:
        raise failure
    return CheckedOrganization(organization=organization if is_proven else None, is_proven=is_proven)


async def organization_of(scanner: Scanner) -> str | None:
    """The id of the key's organization; None if the service does not reveal it, or cannot be asked now.

    Raises:
        ApiError: the service has not answered at all.

    """
    try:
        return await scanner.organization()
    except ApiError as error:
        if error.http_status is None and not scanner.has_answered:
            raise
        return None


async def _knows_a_run(state: BatchState, scanner: Scanner, place: str) -> bool:
    """Whether the key can read a run of the batch; one that knows none of the latest is another organization's.

    Earlier runs, or those that a list shows, prove less: the batch may have been continued with another key since.
    """
    ids = list(islice(_latest_ids(state), IDS_TO_READ))
    for run_id in ids:
        try:
            if await scanner.run(run_id) is not None:
                return True
        except ApiError as error:
            if _may_pass(error):
                raise
            return False
    if not ids:
        return False
    fact = f"with this API key, the service knows none of {', '.join(ids)}, which are runs of this batch"
    raise LedgerMismatchError(place, fact, "use the key that the batch was submitted with, or another --ledger")


def _may_pass(error: ApiError) -> bool:
    """Whether a call failed that the service offers: later it may work. Other answers prove nothing, now or later."""
    return error.http_status is not None and not is_call_refused(error)


def _latest_ids(state: BatchState) -> Iterator[str]:
    return (run.run_id for run in reversed(state.runs.values()) if run.run_id is not None)
