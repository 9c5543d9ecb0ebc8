"""Events from a file: how far it can be read, and what is no ledger."""

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from batchrun.errors import LedgerDamagedError, LedgerError, LedgerFormatError
from batchrun.files import LONGEST_LINE_BYTES
from batchrun.ledger.events import BatchEvent, Event, RateEvent, event_line
from batchrun.ledger.reader import Reading, read_batch, read_batches, read_events, read_state, reading
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

FIRST, RATE = event_line(batch()), event_line(RateEvent(at=AT, rate_per_s=5))
PATH = Path("x.ledger.jsonl")


def read(data: bytes, progress: Reading | None = None) -> list[Event]:
    return list(reading(io.BytesIO(data), progress or Reading(PATH)))


def test_a_torn_last_line_is_no_event_and_its_place_is_known() -> None:
    for length in range(1, len(RATE)):
        progress = Reading(PATH)
        assert read(FIRST + RATE + RATE[:length], progress) == [batch(), RateEvent(at=AT, rate_per_s=5)]
        assert (progress.end, progress.lines, progress.torn) == (len(FIRST + RATE), 2, RATE[:length])


def test_reading_continues_where_it_ended() -> None:
    progress = Reading(PATH)
    assert read(FIRST + RATE[:7], progress) == [batch()]
    progress.torn = b""
    assert read(RATE, progress) == [RateEvent(at=AT, rate_per_s=5)]
    assert (progress.end, progress.lines) == (len(FIRST + RATE), 2)


def test_how_far_it_came_is_known_also_when_nobody_reads_to_the_end() -> None:
    progress = Reading(PATH)
    events: Iterator[Event] = reading(io.BytesIO(FIRST + RATE), progress)
    next(events)
    next(events)
    assert progress.lines == 0  # while it reads, nothing is said
    events.close()  # type: ignore[attr-defined]  # it is a generator
    assert (progress.end, progress.lines) == (len(FIRST), 1)


@pytest.mark.parametrize("start", [b"", b"{", b'{"event":"b', FIRST[:-1]])
def test_the_beginning_of_a_ledger_alone_is_no_error(start: bytes) -> None:
    if start == b"{":  # too little to tell it from any other file
        with pytest.raises(LedgerFormatError):
            read(start)
    else:
        assert read(start) == []


@pytest.mark.parametrize(
    "data",
    [b"precious\n", b"precious", b'{"event":"rate","at":"x","rate_per_s":1}\n', b"\xff\n", b"[" * 100_000 + b"\n"],
)
def test_another_file_is_not_the_beginning_of_a_ledger(data: bytes) -> None:
    with pytest.raises(LedgerFormatError) as failure:
        read(data)
    assert str(failure.value).startswith("x.ledger.jsonl:1: ")


def test_a_later_format_is_left_to_the_version_that_wrote_it() -> None:
    with pytest.raises(LedgerFormatError, match="has format 99"):
        read(event_line(msgspec.structs.replace(batch(), format=99)))


def test_a_line_without_an_end_is_damage_and_not_torn(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    with path.open("wb") as file:
        file.write(FIRST)
        file.truncate(len(FIRST) + LONGEST_LINE_BYTES + 1)  # zeros that take no room on the disk
    with pytest.raises(LedgerDamagedError, match=":2: the line is longer than"):
        list(read_events(path))


def test_the_batches_of_a_ledger_are_found_without_reading_the_rest(tmp_path: Path) -> None:
    path, later = tmp_path / "x.ledger.jsonl", msgspec.structs.replace(batch(), runs=7)
    path.write_bytes(FIRST + RATE + event_line(later) + RATE + FIRST[:20])
    assert read_batches(path) == [batch(), later]
    assert read_batch(path) == later
    assert read_state(path).planned == 7


@pytest.mark.parametrize("read_it", [read_batch, read_state])
def test_an_empty_file_has_no_batch(tmp_path: Path, read_it: object) -> None:
    path = tmp_path / "x.ledger.jsonl"
    path.touch()
    assert callable(read_it)
    with pytest.raises(LedgerFormatError, match="the ledger is empty"):
        read_it(path)


def test_a_missing_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"gone\.jsonl: cannot be read: No such file"):
        list(read_events(tmp_path / "gone.jsonl"))


def test_a_damaged_batch_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    path.write_bytes(FIRST + RATE + b'{"event":"batch",oops}\n')
    with pytest.raises(LedgerDamagedError, match=":3: "):
        read_batches(path)
    assert isinstance(next(read_events(path)), BatchEvent)
