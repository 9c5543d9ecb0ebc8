"""A damaged line: what the error says depends on whether a sync is known to have come after it."""

from pathlib import Path

import pytest

from batchrun.errors import LedgerDamagedError
from batchrun.ledger.events import AttemptEvent, BatchEvent, Event, SessionEvent, SubmittedEvent, event_line
from batchrun.ledger.reader import read_state

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
    """Write events; a number stands for so many zeros in place of a line's first bytes. Where each line begins."""
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


def test_zeros_at_the_very_end_are_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    written(path, BATCH, START, attempt("a"))
    with path.open("ab") as file:
        file.write(b"\0" * 4096)
    assert read_state(path).open_attempts == 1
