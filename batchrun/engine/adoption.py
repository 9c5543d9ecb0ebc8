"""Taking over a run that the service holds and the ledger does not know: exactly one must fit, else a person decides."""

import msgspec

from batchrun.engine.evidence import Evidence, Finding
from batchrun.ledger.events import SubmittedEvent, UnknownEvent
from batchrun.sweep.plan import PlannedRun

__all__ = ["adoption"]


def adoption(planned: PlannedRun, finding: Finding, *, n: int, at: str) -> SubmittedEvent | UnknownEvent:
    """The event that takes a listed run over, or that says why it cannot be: more than one fits, or none does.

    A run of that name exists in any case, so it is never sent again unless a person says so.
    """
    if finding.evidence is Evidence.PRESENT and len(finding.runs) == 1:
        (run,) = finding.runs
        return SubmittedEvent(
            at=at,
            key=planned.key,
            n=n,
            run_id=run.id,
            name=planned.name,
            status=run.status,
            point=msgspec.Raw(planned.point_json),
            via="recovered",
        )
    ids = ", ".join(run.id[:40] for run in finding.runs)
    what = "more than one run fits" if finding.evidence is Evidence.PRESENT else "the payload differs"
    return UnknownEvent(at=at, key=planned.key, n=n, name=planned.name, reason=f"{what}: {ids}")
