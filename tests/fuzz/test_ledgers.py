"""Whatever bytes lie in a ledger, reading it ends in a state whose sums are right, or in a LedgerError."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from batchrun.errors import LedgerError
from batchrun.ledger.check import check
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_batches, read_state
from batchrun.report.rows import read_rows
from batchrun.report.summary import read_summary
from tests.fuzz.inputs import documents, fuzzed, mangled

AT = "2026-11-25T18:46:09.888Z"
KEYS = ("00112233445566aa", "00112233445566bb", "00112233445566cc")
END = {
    "key": KEYS[1],
    "n": 1,
    "name": "run-number-2",
    "status": 422,
    "code": "INVALID",
    "message": "no",
    "point": {"a": 1},
}
EVENTS: list[dict[str, Any]] = [
    {"event": "batch", "at": AT, "format": 1, "batch_id": "b", "name": "sweep", "runs": 3, "plan_sha256": "0" * 64,
     "base_url": "https://example.com", "batchrun": "0.2", "manifest": "version = 1\n", "gone": [],
     "files": [{"path": "t.csv", "sha256": "0" * 64, "size": 3}], "environment": []},
    {"event": "session", "at": AT, "action": "start", "pid": 1, "host": "h", "batchrun": "0.2"},
    {"event": "attempt", "at": AT, "key": KEYS[0], "n": 1, "name": "run-number-1"},
    {"event": "submitted", "at": AT, "key": KEYS[0], "n": 1, "run_id": "gt3oirei5widjk", "name": "run-number-1",
     "status": "PENDING", "point": {"year": 2021, "site": {"id": "nyc"}}},
    {"event": "attempt", "at": AT, "key": KEYS[1], "n": 1, "name": "run-number-2"},
    {"event": "refused", "at": AT, "key": KEYS[1], "n": 1, "status": 429, "retry_in": 1.5},
    {"event": "attempt", "at": AT, "key": KEYS[1], "n": 2, "name": "run-number-2"},
    {"event": "rejected", "at": AT, **END, "n": 2},
    {"event": "attempt", "at": AT, "key": KEYS[2], "n": 1, "name": "run-number-3"},
    {"event": "unknown", "at": AT, "key": KEYS[2], "n": 1, "reason": "reset"},
    {"event": "absent", "at": AT, "key": KEYS[2], "n": 1},
    {"event": "failed", "at": AT, **END, "key": KEYS[2]},
    {"event": "status", "at": AT, "key": KEYS[0], "run_id": "gt3oirei5widjk", "status": "FAILED", "create_time": AT,
     "start_time": AT, "complete_time": AT, "kube_app_id": "app-1", "code": "RUN_FAIL_EXEC", "message": "memory"},
    {"event": "cost", "at": AT, "key": KEYS[0], "run_id": "gt3oirei5widjk", "state": "final", "cost": "0.5",
     "currency": "USD", "spatial_units": "1.25"},
    {"event": "cancel", "at": AT, "key": KEYS[0], "run_id": "gt3oirei5widjk"},
    {"event": "rerun", "at": AT, "keys": [KEYS[0]], "generation": 2, "overrides": {"run.runtime": "large"}},
    {"event": "upload", "at": AT, "path": "job.py", "sha256": "0" * 64, "region": "r", "destination": "s3://b/j"},
    {"event": "rate", "at": AT, "rate_per_s": 12.5, "window_s": 1.0},
    {"event": "duplicates", "at": AT, "key": KEYS[0], "run_ids": ["a"]},
    {"event": "foreign", "at": AT, "run_ids": ["b"]},
    {"event": "resolved", "at": AT, "key": KEYS[2], "n": 1},
    {"event": "dropped", "at": AT, "key": KEYS[2], "n": 1, "name": "run-number-3"},
    {"event": "session", "at": AT, "action": "stop", "pid": 1, "host": "h", "totals": {"submitted": 1}},
]  # fmt: skip
LEDGER = b"".join(json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in EVENTS)


@st.composite
def changed_events(draw: st.DrawFn) -> bytes:
    """A ledger of whole lines, of which some are changed, missing, doubled or moved."""
    events = list(EVENTS[1:])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(events) - 1))
        action = draw(st.sampled_from(("change", "change", "remove", "double", "move")))
        if action == "change":
            events[place] = draw(documents(events[place]))
        elif action == "double":
            events.insert(draw(st.integers(0, len(events))), events[place])
        else:
            event = events.pop(place)
            if action == "move":
                events.insert(draw(st.integers(0, len(events))), event)
    first = draw(st.sampled_from((EVENTS[0], EVENTS[0], draw(documents(EVENTS[0])))))
    return b"".join(json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in [first, *events])


@contextmanager
def file_of(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "fuzz.ledger.jsonl")
        path.write_bytes(content)
        yield path


def shown(error: LedgerError) -> None:
    assert len(str(error)) < 2_000


def test_the_ledger_that_is_changed_can_be_read() -> None:
    with file_of(LEDGER) as path:
        state = read_state(path)
        read_rows(path)
    assert state.batch is not None


@fuzzed(st.one_of(changed_events(), mangled(LEDGER)))
def test_a_ledger_is_read_with_right_sums_or_refused(content: bytes) -> None:
    with file_of(content) as path:
        try:
            state = read_state(path)
            rows = read_rows(path).rows
            read_summary(path)
            read_batches(path)
        except LedgerError as error:
            shown(error)
        else:
            assert state.batch is not None
            assert sum(state.count(outcome) for outcome in Outcome) == state.batch.runs
            for row in rows:
                repr((row, row.waited_s, row.ran_s))
        assert path.read_bytes() == content


@fuzzed(st.one_of(changed_events(), mangled(LEDGER)))
def test_checking_never_fails_and_changes_nothing(content: bytes) -> None:
    with file_of(content) as path:
        with suppress(LedgerError):
            check(path)
        assert path.read_bytes() == content


@fuzzed(mangled(LEDGER))
def test_opening_for_writing_keeps_every_whole_line(content: bytes) -> None:
    with file_of(content) as path:
        try:
            with FileLedger.open(path):
                pass
        except LedgerError:
            assert path.read_bytes() == content
            return
        kept, torn = path.read_bytes(), path.with_name(path.name + ".torn")
        cut = torn.read_bytes().removesuffix(b"\n") if torn.exists() else b""
        assert kept + cut == content
