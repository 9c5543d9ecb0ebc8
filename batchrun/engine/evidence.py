"""What lists prove about a run. Pure; used by settling, preflight, `verify` and `recover` alike.

A listed run proves presence at once. Absence needs more: a list can be cut short, lag behind, belong to another key, or
show the run in another shape. So a list proves that a run does not exist only if everything in it was read, if it is known
to be recent (a positive control: a run of ours that was created later is in it), and if nothing in it is odd.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from unicodedata import normalize

from batchrun.engine.tagging import tag_of
from batchrun.ledger.clock import epoch_seconds
from batchrun.wherobots.identity import is_same_payload, payload_differences
from batchrun.wherobots.summaries import RunSummary, is_usable_id

__all__ = [
    "MARGIN_S",
    "Evidence",
    "Finding",
    "Fit",
    "Sought",
    "fit",
    "is_complete",
    "name_key",
    "name_keys",
    "weigh",
    "why_odd",
]

MARGIN_S = 5.0
"""Runs created this much before an attempt began still count as its own: a ``Date`` header has whole seconds, and the
servers that write it and the creation time may disagree by a few."""
SHOWN_NAME = 80
"""Characters of a name that the service wrote."""


class Evidence(Enum):
    """What a list says about a run that was looked for."""

    PRESENT = "present"
    """A run that is ours is listed."""
    ODD = "odd"
    """A run of exactly this name is listed that may be ours or not: a person decides."""
    NOTHING = "nothing"
    """No run of this name is listed that could be ours."""


class Fit(Enum):
    """How a listed run relates to one that was looked for."""

    OURS = "ours"
    FOREIGN = "foreign"
    """Another run's id, or created before the first attempt: it cannot be ours."""
    ODD = "odd"
    """The name and the time fit, and the payload or the id does not; or the other way round, the service having written
    the name in another way."""
    OTHER = "other"
    """Another name: services may match names by substring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A run to look for."""

    name: str
    created_from_s: float
    """Epoch seconds of the server's clock: a run created before cannot be ours. The margin is already taken off."""
    body: bytes | None = None
    """The payload as sent, ``<env.NAME>`` standing for any text; None if it is no longer known."""
    tag: str | None = None
    """What the payload's tag must be, if the batch tags its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The evidence, with the runs that it rests on: ours, the oldest first, or the odd ones."""

    evidence: Evidence
    runs: tuple[RunSummary, ...] = ()
    doubt: str = ""
    """Why they are odd, unless they show it themselves (`why_odd`)."""


def _never(_: str) -> bool:
    return False


def fit(
    listed: RunSummary,
    sought: Sought,
    *,
    is_taken: Callable[[str], bool],
    is_of_another: Callable[[str], bool] = _never,
) -> Fit:
    """How a listed run relates to the sought one.

    ``is_taken`` says whether an id is known to be none of ours. ``is_of_another`` says whether it is the id of another run of
    ours. Under the sought name, with its payload and created in range, the list contradicts what the service said before.
    """
    if listed.name != sought.name and name_key(sought.name) not in name_keys(listed):
        return Fit.OTHER
    # The name is ours, but such an id cannot be asked for again, let alone adopted: a person has to look.
    if not is_usable_id(listed.id):
        return Fit.ODD
    if is_taken(listed.id):
        return Fit.FOREIGN
    created_s = epoch_seconds(listed.create_time or "")
    if listed.name != sought.name:
        return _fit_renamed(listed, sought, created_s, is_of_another=is_of_another)
    # A run without a readable creation time may be of any time, so that alone does not make it another's.
    if created_s and created_s < sought.created_from_s:
        return Fit.FOREIGN
    tag = tag_of(listed) if sought.tag is not None else None
    if tag is not None and tag != sought.tag:
        return Fit.FOREIGN  # another ledger's run of the same sweep, beyond doubt
    # Where there is neither a tag nor a payload to compare, the exact name has to do: it is unique in its plan.
    is_known = tag is not None or (listed.payload is not None and sought.body is not None)
    is_same = tag is not None or (is_known and is_same_payload(sought.body or b"", listed.payload or {}))
    if is_of_another(listed.id):
        return Fit.FOREIGN if is_known and not is_same else Fit.ODD
    return Fit.OURS if is_same or not is_known else Fit.ODD


def _fit_renamed(listed: RunSummary, sought: Sought, created_s: float, *, is_of_another: Callable[[str], bool]) -> Fit:
    """A run whose name is the sought one in another spelling, or was the sought one when it was sent."""
    if is_of_another(listed.id) or (created_s and created_s < sought.created_from_s):
        return Fit.OTHER
    if _sent_name(listed) == sought.name or listed.payload is None or sought.body is None:
        return Fit.ODD
    differences = payload_differences(sought.body, listed.payload)
    return Fit.ODD if all(one.path == "name" for one in differences) else Fit.OTHER


def name_key(name: str) -> str:
    """The same for names that a service may take for one: it may fold case, trim blanks, or compose characters."""
    return normalize("NFKC", name).casefold().strip()


def name_keys(listed: RunSummary) -> set[str]:
    """Of the name that a run is listed under, and of the one that its payload says it was sent with."""
    return {name_key(name) for name in (listed.name, _sent_name(listed)) if name is not None}


def _sent_name(listed: RunSummary) -> str | None:
    name = (listed.payload or {}).get("name")
    return name if isinstance(name, str) else None


def why_odd(listed: RunSummary, name: str) -> tuple[str, str]:
    """Why the run found may or may not be ours: once with its details, once in general terms."""
    if listed.name != name:
        return f"it is named {(listed.name or '')[:SHOWN_NAME]}", "it has another name"
    why = "its payload differs" if is_usable_id(listed.id) else "its id is unusable"
    return why, why


def weigh(
    listed: Iterable[RunSummary],
    sought: Sought,
    *,
    is_taken: Callable[[str], bool],
    is_of_another: Callable[[str], bool] = _never,
) -> Finding:
    """What the listed runs prove. One that is ours counts more than one that is odd beside it."""
    ours: dict[str, RunSummary] = {}
    odd: list[RunSummary] = []
    for run in listed:
        match fit(run, sought, is_taken=is_taken, is_of_another=is_of_another):
            case Fit.OURS:
                ours[run.id] = run
            case Fit.ODD:
                odd.append(run)
            case _:
                pass
    if ours:
        # The oldest comes first, to be adopted: later attempts made the others, which are reported as duplicates.
        oldest_first = sorted(ours.values(), key=lambda run: epoch_seconds(run.create_time or ""))
        return Finding(evidence=Evidence.PRESENT, runs=tuple(oldest_first))
    if not odd:
        return Finding(evidence=Evidence.NOTHING)
    doubt = "it is recorded for another planned run" if is_of_another(odd[0].id) else ""
    return Finding(evidence=Evidence.ODD, runs=tuple(odd), doubt=doubt)


def is_complete(ids: Collection[str], totals: Sequence[int | None], *, reached_end: bool, grown: int = 0) -> bool:
    """Whether a scan read everything that there was.

    ``ids`` are the distinct runs read and ``totals`` what the first and the last page said. The list must have been read to
    its end, and hold what its first page promised; the last page may promise ``grown`` more, runs that we know were
    created meanwhile. A service that does not say how many there are proves nothing.
    """
    first, last = totals[0], totals[-1]
    if not reached_end or first is None or last is None or min(first, last) < 0:
        return False
    # More than was promised is no sign of trouble: others may create runs while the list is read.
    return len(ids) >= first and len(ids) >= last - grown
