"""Who is writing a ledger, asked without disturbing the writer."""

import os
import socket
from pathlib import Path

from batchrun.ledger.events import SessionEvent
from batchrun.ledger.file import FileLedger
from batchrun.report.writer_state import WriterState, writer_state

AT = "2026-11-23T10:00:00.000Z"


def session(action: str, host: str | None = None) -> SessionEvent:
    is_start = action == "start"
    return SessionEvent(
        at=AT, action="start" if is_start else "stop", pid=os.getpid(), host=host or socket.gethostname()
    )


def test_a_session_that_ended_is_nobody(tmp_path: Path) -> None:
    assert writer_state(tmp_path / "any", None) is WriterState.NONE
    assert writer_state(tmp_path / "any", session("stop")) is WriterState.NONE


def test_a_held_ledger_is_being_written_and_a_released_one_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger.jsonl"
    path.write_bytes(b'{"event":"batch","at":"x","format":1,"batch_id":"b","name":"n","runs":1,'
                     b'"plan_sha256":"","base_url":"u","batchrun":"0"}\n')  # fmt: skip
    with FileLedger.open(path):
        assert writer_state(path, session("start")) is WriterState.RUNNING
    assert writer_state(path, session("start")) is WriterState.CRASHED


def test_another_machine_cannot_be_seen_from_here(tmp_path: Path) -> None:
    assert writer_state(tmp_path / "any", session("start", host="elsewhere.example")) is WriterState.REMOTE
