"""Check the API key's organization before anything is sent or decided: another organization's lists show no run of the batch.

Stricter than `batchrun.tracking.access`, which only follows runs: here any 404 counts as an unknown run, and a check that cannot
be made now is an error, since the price of being wrong is a second run, and not a status that is learned later.
"""

from dataclasses import dataclass

from batchrun.engine.listing.scan import Scanner
from batchrun.engine.verdicts import is_call_refused
from batchrun.errors import ApiError, LedgerMismatchError
from batchrun.ledger.fold import BatchState
from batchrun.tracking.access import another_organization, latest_ids, unknown_runs

__all__ = ["CheckedOrganization", "check_organization", "organization_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOrganization:
    """What is known about the organization that an API key belongs to."""

    organization: str | None
    """Its id, if the service reveals it, unless it may differ from the batch's."""
    is_proven: bool
    """It is proven to be the batch's, by its id or by a run that the key can read."""


async def check_organization(state: BatchState, scanner: Scanner, place: str) -> CheckedOrganization:
    """Check whether the key belongs to the organization of the batch.

    Raises:
        LedgerMismatchError: the batch belongs to another one; ``place`` is where the error says it was found.
        ApiError: this cannot be determined now.

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
            raise another_organization(place, organization, known)
        return CheckedOrganization(organization=organization, is_proven=True)
    if not state.has_runs:
        if known is not None:  # nothing else can prove it, and what is sent now would be looked for there
            raise failure if failure is not None and _may_pass(failure) else hidden_organization(place, known)
        return CheckedOrganization(organization=organization, is_proven=False)
    is_proven = await _knows_a_run(state, scanner, place)
    if failure is not None and _may_pass(failure) and not is_proven:
        raise failure
    # What may be another organization's id must not become the batch's.
    return CheckedOrganization(organization=organization if is_proven else None, is_proven=is_proven)


def hidden_organization(place: str, known: str) -> LedgerMismatchError:
    """The batch belongs to ``known``, and nothing shows whether the key does."""
    fact = f"the batch belongs to organization {known}, and with this API key the service does not reveal the key's organization"
    return LedgerMismatchError(place, fact, "use the key that the batch was started with, or another --ledger")


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
    """Whether the key can read a run of the batch; one that knows none of the latest is another organization's."""
    ids = latest_ids(state)
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
    raise unknown_runs(place, ids)


def _may_pass(error: ApiError) -> bool:
    """Whether the service offers the call, so that it may work later. Other responses prove nothing, now or later."""
    return error.http_status is not None and not is_call_refused(error)
