import json
import time

import msgspec
import pytest

from batchrun.errors import Trouble
from batchrun.ledger.clock import LedgerClock, epoch_seconds, timestamp
from batchrun.ledger.events import (
    FORMAT,
    AbsentEvent,
    AttemptEvent,
    BatchEvent,
    CancelEvent,
    CompactedEvent,
    CostEvent,
    DroppedEvent,
    DuplicatesEvent,
    Event,
    FailedEvent,
    FileDigest,
    ForeignEvent,
    RateEvent,
    RefusedEvent,
    RejectedEvent,
    RerunEvent,
    ResolvedEvent,
    SessionEvent,
    StatusEvent,
    SubmittedEvent,
    UnknownEvent,
    UploadEvent,
    ValueDigest,
    event_line,
    read_event,
)
from tests.ledger.test_fold import AT

EVERY_EVENT: list[Event] = [
    BatchEvent(
        at=AT,
        format=FORMAT,
        batch_id="b",
        name="sweep",
        runs=3,
        plan_sha256="0" * 64,
        base_url="https://api.example.com",
        batchrun="0.1.0",
        manifest="version = 1\n",
        stdin='{"a": 1}\n',
        overrides={"args": ["ü\u2028"]},
        directory="/data",
        plan_file="/data/plan.jsonl",
        files=[FileDigest("tiles.csv", "1" * 64)],
        environment=[ValueDigest(name="TOKEN", salt="3" * 32, scrypt="4" * 64)],
        gone=["a"],
    ),
    SessionEvent(
        at=AT,
        action="stop",
        pid=1,
        host="h",
        reason="done",
        batchrun="0.1.0",
        server_offset_s=-0.5,
        totals={"submitted": 3},
        rate={"rate_per_s": 20.0, "window_s": None},
        organization="o",
    ),
    AttemptEvent(at=AT, key="a", n=1, name="x", generation=2),
    SubmittedEvent(
        at=AT,
        key="a",
        n=1,
        run_id="r",
        name="x",
        status="PENDING",
        point=msgspec.Raw(b'{"n":1}'),
        via="settled",
        duplicates=["s"],
        generation=2,
    ),
    RefusedEvent(at=AT, key="a", n=1, status=429, code="RATE_LIMIT_ERROR", retry_in=1.5),
    UnknownEvent(at=AT, key="a", n=1, reason="lost", created=True),
    RejectedEvent(at=AT, key="a", n=1, name="x", status=422, code="C", message="m", field="f", suggestion="s"),
    FailedEvent(at=AT, key="a", n=1, name="x", message="m"),
    AbsentEvent(at=AT, key="a", n=1),
    DuplicatesEvent(at=AT, key="a", run_ids=["s"]),
    ForeignEvent(at=AT, run_ids=["t"]),
    ResolvedEvent(at=AT, key="a", n=1),
    DroppedEvent(at=AT, key="a", n=1, name="x"),
    StatusEvent(
        at=AT,
        key="a",
        run_id="r",
        status="FAILED",
        create_time="c",
        start_time="s",
        complete_time="e",
        kube_app_id="k",
        code="C",
        message="m",
    ),
    CostEvent(at=AT, key="a", run_id="r", state="final", cost="0.10", currency="USD", spatial_units="1.5"),
    CancelEvent(at=AT, key="a", run_id="r"),
    RerunEvent(at=AT, keys=["a"], generation=2, overrides={"timeout": "2h"}),
    UploadEvent(at=AT, path="job.py", sha256="2" * 64, region="aws-us-west-2", destination="s3://b/job.py"),
    RateEvent(at=AT, rate_per_s=20.0, window_s=1.0),
    CompactedEvent(
        at=AT, attempts=4, settled=1, sessions=2, refusals={"429": 3}, gone={"submitted": 1}, attempted_at=AT
    ),
]


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: type(event).__name__)
def test_every_field_of_every_event_survives_its_line(event: Event) -> None:
    line = event_line(event)
    assert line.index(b"\n") == len(line) - 1
    again = read_event(line)
    assert type(again) is type(event)
    assert event_line(again) == line
    assert set(json.loads(line)) == {"event", *event.__struct_fields__} - defaults_of(event)


def defaults_of(event: Event) -> set[str]:
    """Fields that say nothing in this event."""
    fields = {field.name: field.default for field in msgspec.structs.fields(event)}
    empty = {name for name, default in fields.items() if getattr(event, name) == default}
    return empty | ({"point"} if bytes(getattr(event, "point", b"")) == b"{}" else set())


def test_there_is_a_case_for_every_kind_of_event() -> None:
    assert {type(event) for event in EVERY_EVENT} == set(Event.__args__)


def test_fields_that_say_nothing_take_no_space() -> None:
    assert json.loads(event_line(RefusedEvent(at=AT, key="a", n=1))) == {
        "event": "refused",
        "at": AT,
        "key": "a",
        "n": 1,
    }


def test_fields_of_a_later_version_are_passed_over() -> None:
    line = b'{"event":"attempt","at":"x","key":"a","n":1,"worker":7}'
    assert read_event(line) == AttemptEvent(at="x", key="a", n=1)


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"dreamt","at":"x"}',
        b'{"at":"x","key":"a","n":1}',
        b'{"event":"attempt","at":"x","key":"a"}',
        b'{"event":"attempt","at":"x","key":"a","n":"one"}',
        b"[]",
        b"",
    ],
)
def test_a_line_that_is_no_event_is_an_error(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_event(line)


def test_an_ending_gives_back_the_trouble_that_it_was_made_of() -> None:
    event = RejectedEvent(at=AT, key="a", n=1, name="x", status=422, code="C", message="m", field="f", suggestion="s")
    assert event.trouble == Trouble(status=422, code="C", message="m", field="f", suggestion="s")
    assert FailedEvent(at=AT, key="a", n=1, name="x").trouble == Trouble()


@pytest.mark.parametrize(
    ("at", "epoch_s"),
    [
        ("1970-01-01T00:00:01.500Z", 1.5),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:02", 2.0),
        ("1970-01-01T00:00:03.123456Z", 3.123456),
        ("yesterday", 0.0),
        ("", 0.0),
    ],
)
def test_times_are_read_as_services_write_them(at: str, epoch_s: float) -> None:
    assert epoch_seconds(at) == pytest.approx(epoch_s)


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert timestamp(1.5) == "1970-01-01T00:00:01.500Z"
    assert timestamp(0.9999) == "1970-01-01T00:00:00.999Z"


def test_a_stamp_is_the_time_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, base_s = LedgerClock(), time.monotonic()
    for offset_s in (0.0, 0.25, 0.999, 1.0, 61.5):
        moment_s = base_s + offset_s
        monkeypatch.setattr(time, "monotonic", lambda moment_s=moment_s: moment_s)
        assert clock.stamp() == timestamp(clock.now())
