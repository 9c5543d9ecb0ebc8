"""What a batch has used and may still use: what is billed counts as billed, everything that may yet cost as its maximum."""

import random
from collections.abc import Iterable
from decimal import Decimal

import pytest

from batchrun.engine.spending import Charge, Spending, most_units, units_text
from batchrun.ledger.events import (
    AbsentEvent,
    AttemptEvent,
    CostEvent,
    Event,
    FailedEvent,
    RefusedEvent,
    RejectedEvent,
    RerunEvent,
    StatusEvent,
    SubmittedEvent,
    UnknownEvent,
)
from batchrun.ledger.fold import BatchState, fold
from batchrun.wherobots.units import PUBLISHED_UNITS

AT = "2026-11-25T10:00:00.000Z"
BODY = b'{"name":"tile-1","runtime":"tiny","timeoutSeconds":1440}'
"""Two units at most: five an hour, for 24 minutes."""
ATTEMPT = AttemptEvent(at=AT, key="k", n=1)
LOST = UnknownEvent(at=AT, key="k", n=1, reason="reset", name="tile-1")
ABSENT = AbsentEvent(at=AT, key="k", n=1)
CREATED = SubmittedEvent(at=AT, key="k", n=1, run_id="r", name="tile-1")
RUNNING = StatusEvent(at=AT, key="k", run_id="r", status="RUNNING", create_time=AT, start_time=AT)
ENDED = StatusEvent(at=AT, key="k", run_id="r", status="COMPLETED", create_time=AT, start_time=AT, complete_time=AT)
NEVER_BEGAN = StatusEvent(at=AT, key="k", run_id="r", status="CANCELLED", create_time=AT, complete_time=AT)
GONE = StatusEvent(at=AT, key="k", run_id="r", status="gone")


def cost(state: str, units: str | None) -> CostEvent:
    return CostEvent(at=AT, key="k", run_id="r", state=state, spatial_units=units)  # type: ignore[arg-type]  # one of three


def spending(limit: str = "100", state: BatchState | None = None) -> Spending:
    opened = Spending(Decimal(limit), PUBLISHED_UNITS, state or BatchState())
    opened.begin([("k", BODY)])
    return opened


def after(*events: Event) -> Charge:
    """The sum, as a session sees it in which all of these events are recorded."""
    kept = spending()
    assert kept.hold("k", BODY)
    for event in events:
        kept.observe(event)
    kept.release("k")
    return kept.total


def resumed(*events: Event) -> Charge:
    """The sum, as a session finds it after one that recorded these events and died."""
    state = BatchState()
    for event in events:
        fold(state, event)
    return spending(state=state).total


TWO = Charge(reserved=Decimal(2), open=1)
CASES: list[tuple[str, list[Event], Charge]] = [
    ("nothing was sent", [], Charge()),
    ("it may exist", [ATTEMPT], TWO),
    ("its answer was lost", [ATTEMPT, LOST], TWO),
    ("it does not exist", [ATTEMPT, LOST, ABSENT], Charge()),
    ("refused for now", [ATTEMPT, RefusedEvent(at=AT, key="k", n=1, status=429)], Charge()),
    ("refused, but lost before", [ATTEMPT, LOST, RefusedEvent(at=AT, key="k", n=1, status=409)], TWO),
    ("rejected", [ATTEMPT, RejectedEvent(at=AT, key="k", n=1, name="tile-1")], Charge()),
    ("given up", [ATTEMPT, FailedEvent(at=AT, key="k", n=1, name="tile-1")], Charge()),
    ("created", [ATTEMPT, CREATED], TWO),
    ("running, billed so far", [ATTEMPT, CREATED, RUNNING, cost("live", "0.5")], TWO),
    (
        "running, billed beyond its maximum",
        [ATTEMPT, CREATED, RUNNING, cost("live", "3")],
        Charge(reserved=Decimal(3), open=1),
    ),
    ("settling, end not seen yet", [ATTEMPT, CREATED, RUNNING, cost("settling", "0.5")], TWO),
    ("ended, cost not known yet", [ATTEMPT, CREATED, ENDED], TWO),
    ("ended, money without units", [ATTEMPT, CREATED, ENDED, cost("final", None)], TWO),
    ("ended, read while it ran", [ATTEMPT, CREATED, RUNNING, cost("live", "0.5"), ENDED], TWO),
    ("ended and billed", [ATTEMPT, CREATED, ENDED, cost("settling", "0.1")], Charge(billed=Decimal("0.1"))),
    ("final, end not seen yet", [ATTEMPT, CREATED, cost("final", "0.1")], Charge(billed=Decimal("0.1"))),
    ("ended before it began", [ATTEMPT, CREATED, NEVER_BEGAN], Charge()),
    ("the service forgot it", [ATTEMPT, CREATED, GONE], TWO),
]


@pytest.mark.parametrize(("events", "charge"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_session_and_its_successor_count_alike(events: list[Event], charge: Charge) -> None:
    assert after(*events) == charge
    assert resumed(*events) == charge


def test_earlier_generations_were_paid_for_as_well() -> None:
    again: Event = RerunEvent(at=AT, keys=["k"], generation=2)
    billed: list[Event] = [ATTEMPT, CREATED, ENDED, cost("final", "0.4"), again]
    assert resumed(*billed) == Charge(billed=Decimal("0.4"))
    second = SubmittedEvent(at=AT, key="k", n=2, run_id="r2", name="tile-1-r2")
    assert resumed(*billed, second) == Charge(billed=Decimal("0.4"), reserved=Decimal(2), open=1)
    late: list[Event] = [ATTEMPT, CREATED, ENDED, again, second, cost("final", "0.4")]
    assert resumed(*late) == Charge(billed=Decimal("0.4"), reserved=Decimal(2), open=1)

    settled = SubmittedEvent(at=AT, key="k", n=1, run_id="r", name="tile-1", status="FAILED", via="settled")
    assert resumed(ATTEMPT, settled, again, cost("final", "0.4")) == Charge(billed=Decimal("0.4"))


def test_the_limit_is_reached_and_never_passed() -> None:
    kept = spending("5")
    assert [kept.hold(key, BODY) for key in "abc"] == [True, True, False]
    kept.release("a")
    assert kept.hold("c", BODY)
    kept.observe(AttemptEvent(at=AT, key="c", n=1))
    kept.observe(SubmittedEvent(at=AT, key="c", n=1, run_id="c", name="c"))
    kept.release("c")
    assert kept.used == 4
    assert not kept.hold("d", BODY)
    kept.observe(CostEvent(at=AT, key="c", run_id="c", state="final", spatial_units="1.0"))
    assert kept.used == 3
    assert kept.hold("d", BODY)


def test_sums_kept_event_by_event_are_those_of_a_whole_reading() -> None:
    chance = random.Random(16)
    endings: list[Iterable[Event]] = [events for _, events, _ in CASES]
    events: list[Event] = []
    for key in map(str, range(40)):
        events += [_of(event, key) for event in chance.choice(endings)]
    kept = spending("1000")
    for key in map(str, range(40)):
        assert kept.hold(key, BODY)
        kept.release(key)
    state = BatchState()
    for event in events:
        kept.observe(event)
        fold(state, event)
    whole = Spending(Decimal(1000), PUBLISHED_UNITS, state)
    whole.begin((key, BODY) for key in map(str, range(40)))
    assert kept.total == whole.total


def _of(event: Event, key: str) -> Event:
    changed: Event = type(event)(**{**{name: getattr(event, name) for name in event.__struct_fields__}, "key": key})
    return changed


def test_a_run_that_left_the_plan_counts_as_the_largest_that_is_in_it() -> None:
    state = BatchState()
    for key in ("k", "gone"):
        fold(state, AttemptEvent(at=AT, key=key, n=1))
    assert spending(state=state).total == Charge(reserved=Decimal(4), open=2)


def test_units_are_those_of_the_runtime_for_the_whole_timeout() -> None:
    assert most_units(BODY, PUBLISHED_UNITS) == 2
    with pytest.raises(KeyError, match="large"):
        most_units(BODY.replace(b"tiny", b"large"), PUBLISHED_UNITS)


@pytest.mark.parametrize(("units", "text"), [("12", "12"), ("0.5", "0.5"), ("1234.56789", "1,234.568"), ("100", "100")])
def test_units_are_shown_to_the_thousandth(units: str, text: str) -> None:
    assert units_text(Decimal(units)) == text
