"""How much of ``stop_at_units`` is used: units billed, plus the most that active and unknown runs may still use. Pure."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from batchrun.ledger.events import Event
from batchrun.ledger.fold import fold
from batchrun.ledger.state import BatchState, Outcome, RunState, Tracked
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.costs import BilledRun, unsettled_runs
from batchrun.wherobots.amounts import decimal_of
from batchrun.wherobots.units import UnitsPerHour

__all__ = ["Charge", "Spending", "charge_of", "most_units", "units_text"]

ZERO = Decimal(0)
HOUR_S = 3600


class _Payload(msgspec.Struct, rename="camel"):
    runtime: str
    timeout_seconds: int


_read_payload = msgspec.json.Decoder(_Payload).decode


def most_units(body: bytes, units: Mapping[str, UnitsPerHour]) -> Decimal:
    """What a run uses at most: its runtime's maximum for its whole timeout.

    Raises:
        KeyError: nothing is known of its runtime.

    """
    payload = _read_payload(body)
    return Decimal(str(units[payload.runtime].high)) * payload.timeout_seconds / HOUR_S


def units_text(units: Decimal) -> str:
    """Units for people: to the thousandth, without trailing zeros."""
    text = f"{units:,.3f}"
    return text.rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a planned run has used, and may still use, in spatial units."""

    billed: Decimal = ZERO
    reserved: Decimal = ZERO
    open: int = 0
    """Runs that ``reserved`` is for: they have not ended, may not exist, or their costs are not known yet."""

    def __add__(self, other: "Charge") -> "Charge":
        return Charge(self.billed + other.billed, self.reserved + other.reserved, self.open + other.open)

    def __sub__(self, other: "Charge") -> "Charge":
        return Charge(self.billed - other.billed, self.reserved - other.reserved, self.open - other.open)


NOTHING = Charge()


def charge_of(run: RunState, most: Decimal) -> Charge:
    """The charge of a planned run, those of its earlier generations included; ``most`` is what one of them uses at most."""
    total = NOTHING
    for earlier in run.earlier:
        total += _created(earlier.tracked, most, is_over=True)
    # It may exist, and run until its timeout.
    if run.outcome is Outcome.UNKNOWN:
        return total + Charge(reserved=most, open=1)
    if run.outcome is Outcome.SUBMITTED:
        return total + _created(run.tracked, most, is_over=has_ended(run.status))
    return total


def _created(tracked: Tracked | None, most: Decimal, *, is_over: bool) -> Charge:
    cost = tracked.cost if tracked is not None else None
    billed = decimal_of(cost.spatial_units) if cost is not None else None
    # A live cost was read before the end: what follows it is not known.
    if cost is not None and billed is not None and (cost.state == "final" or (is_over and cost.state == "settling")):
        return Charge(billed=billed)
    if is_over and tracked is not None and tracked.completed_s is not None and tracked.started_s is None:
        return NOTHING  # units are counted from the moment a run starts, and this one never did
    return Charge(reserved=max(most, billed or ZERO), open=1)


class Spending:
    """Keeps the sum, event by event; ``most`` holds what known runs use at most, by key.

    The events are folded into copies of the runs that they are about: the batch's state stays as it was.
    """

    def __init__(self, limit: Decimal, units: Mapping[str, UnitsPerHour], state: BatchState) -> None:
        self.limit = limit
        self._units = units
        self._known = state.runs
        self._live = BatchState()
        self._most: dict[str, Decimal] = {}
        self._charges: dict[str, Charge] = {}
        self._held: dict[str, Decimal] = {}
        self.total = NOTHING

    def begin(self, bodies: Iterable[tuple[str, bytes]]) -> None:
        """Count the runs that the ledger knows; ``bodies`` are the payloads of those that are still planned, by key.

        A run that left the plan counts as the largest of those that are in it: its own payload is no longer known.
        """
        self._most.update((key, self.most(body)) for key, body in bodies if key in self._known)
        largest = max(self._most.values(), default=ZERO)
        for key, run in self._known.items():
            self._set(key, charge_of(run, self._most.setdefault(key, largest)))

    @property
    def used(self) -> Decimal:
        """Billed, reserved, and held for runs that are about to be sent."""
        return self.total.billed + self.total.reserved + sum(self._held.values(), ZERO)

    def most(self, body: bytes) -> Decimal:
        """What a run with this payload uses at most."""
        return most_units(body, self._units)

    def fits(self, body: bytes) -> bool:
        """Whether one more run would keep to the limit."""
        return self.used + self.most(body) <= self.limit

    def hold(self, key: str, body: bytes) -> bool:
        """Hold what a run may use until its attempt is recorded; False if that would pass the limit."""
        if not self.fits(body):
            return False
        self._held[key] = self._most[key] = self.most(body)
        return True

    def release(self, key: str) -> None:
        """The run was not sent, or what it uses is counted by now."""
        self._held.pop(key, None)

    def observe(self, event: Event) -> None:
        """An event that was recorded."""
        key = getattr(event, "key", None)
        if key is None:
            return
        runs = self._live.runs
        if key not in runs and key in self._known:
            runs[key] = deepcopy(self._known[key])
        fold(self._live, event)
        self._held.pop(key, None)
        if key in runs:
            self._set(key, charge_of(runs[key], self._most.get(key, ZERO)))

    def to_bill(self) -> list[BilledRun]:
        """The runs that have ended and whose costs may still change."""
        state = BatchState(runs={**self._known, **self._live.runs})
        return list(unsettled_runs(state, only_ended=True))

    def _set(self, key: str, charge: Charge) -> None:
        self.total += charge - self._charges.get(key, NOTHING)
        self._charges[key] = charge
