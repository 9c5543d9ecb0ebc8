"""A damaged line: what the error says depends on whether a sync is known to have come after it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from batchrun.errors import LedgerDamagedError, LedgerError
from batchrun.files import LONGEST_LINE_BYTES
from batchrun.ledger.events import AttemptEvent, BatchEvent, Event, SessionEvent, SubmittedEvent, event_line
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_batches, read_state

AT = "2026-11-01T00:00:00.000Z"
BATCH = BatchEvent(
    at=AT, format=1, batch_id="b", name="n", runs=3, plan_sha256="", base_url="u", batchrun="0.2.0", manifest=""
)
START = SessionEvent(at=AT, action="start", pid=1, host="h")


def attempt(key: str) -> Event:
    return AttemptEvent(at=AT, key=key, n=1, name=key)


def submitted(key: str) -> Event:
    return SubmittedEvent(at=AT, key=key, n=1, run_id=f"r-{key}", name=key)


def written(path: Path, *events: Event | int) -> list[int]:
    """Write events; a number is a line whose first bytes, that many, are zeros. Returns where each line begins."""
    lines = [b"\0" * one + b"}\n" if isinstance(one, int) else event_line(one) for one in events]
    path.write_bytes(b"".join(lines))
    return [sum(map(len, lines[:number])) for number in range(len(lines))]


def test_zeros_in_the_last_group_say_where_the_last_sync_ended_and_where_to_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    starts = written(path, BATCH, START, attempt("a"), attempt("b"), submitted("a"), 512, attempt("d"))
    with pytest.raises(LedgerDamagedError) as caught:
        read_state(path)
    problem = caught.value.problems[0]
    assert problem.place == f"{path}:6"
    assert "512 zero bytes" in problem.fact
    assert f"ended at line 3, byte {starts[3]:,}" in problem.fact
    assert f"truncate -s {starts[5]} {path}" in problem.fix
    with path.open("r+b") as file:
        file.truncate(starts[5])
    assert read_state(path).open_attempts == 1


def test_damage_before_a_known_sync_is_not_to_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    written(path, BATCH, START, attempt("a"), 64, attempt("b"), submitted("a"), submitted("b"))
    with pytest.raises(LedgerDamagedError) as caught:
        read_state(path)
    problem = caught.value.problems[0]
    assert "ended at line 5" in problem.fact
    assert "after this line" in problem.fact
    assert "truncate" not in problem.fix
    assert "restore the file from a backup" in problem.fix


def test_before_any_attempt_the_first_line_is_what_was_synced(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    starts = written(path, BATCH, 16, START)
    with pytest.raises(LedgerDamagedError, match=rf"ended at line 1, byte {starts[1]:,}"):
        read_state(path)


def test_an_event_of_a_later_version_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    written(path, BATCH, START)
    with path.open("ab") as file:
        file.write(b'{"event":"note","at":"2026-11-01T00:00:00.000Z"}\n')
    with pytest.raises(LedgerDamagedError, match="event 'note' is not known to this version") as caught:
        read_state(path)
    assert "truncate" not in caught.value.problems[0].fix


def test_zeros_at_the_very_end_are_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    written(path, BATCH, START, attempt("a"))
    with path.open("ab") as file:
        file.write(b"\0" * 4096)
    assert read_state(path).open_attempts == 1


def opened(path: Path) -> None:
    with FileLedger.open(path):
        pass


@pytest.mark.parametrize("read", [read_state, read_batches, opened])
@pytest.mark.parametrize("events", [(), (BATCH, START, attempt("a"))])
def test_a_hole_of_gigabytes_is_neither_read_nor_cut_off(
    events: tuple[Event, ...], read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "x.ledger.jsonl"
    written(path, *events)
    with path.open("r+b") as file:
        file.truncate(LONGEST_LINE_BYTES + 1000)
    with pytest.raises(LedgerError, match=r"the line is longer than 134,217,728 bytes|not the beginning of a ledger"):
        read(path)
    assert path.stat().st_size == LONGEST_LINE_BYTES + 1000
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [1, 2])
def test_a_line_that_cannot_be_read_is_not_quoted_as_a_whole(number: int, tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    line = b'{"event":"%s"}\n' % (b"x" * 100_000)
    path.write_bytes(line if number == 1 else event_line(BATCH) + line)
    with pytest.raises(LedgerError) as caught:
        read_state(path)
    assert "'xxx" in str(caught.value)
    assert len(str(caught.value)) < 1_000
