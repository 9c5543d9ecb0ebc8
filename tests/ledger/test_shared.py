"""A ledger that is read as it grows, and appended to when nobody else holds it."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from batchrun.errors import LedgerChangedError, LedgerError, LedgerFormatError, LedgerWriteError, UsageError
from batchrun.ledger.check import check
from batchrun.ledger.compact import compact
from batchrun.ledger.events import Event, RateEvent, StatusEvent, event_line
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import fold
from batchrun.ledger.shared import SharedLedger
from batchrun.ledger.state import BatchState, RunState
from batchrun.ledger.statuses import GONE, has_ended
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.ledger.jsonl"
    path.write_bytes(event_line(batch()))
    return path


def rate(per_s: float) -> RateEvent:
    return RateEvent(at=AT, rate_per_s=per_s)


def rates(path: Path) -> list[float]:
    lines = path.read_bytes().splitlines()
    return [float(line.partition(b'"rate_per_s":')[2].rstrip(b"}")) for line in lines if b"rate_per_s" in line]


def append_raw(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_what_others_append_is_read_and_observed_once(path: Path) -> None:
    observed: list[Event] = []
    shared = SharedLedger.open(path, observed.append)
    append_raw(path, event_line(rate(5)))
    shared.refresh()
    shared.refresh()
    assert shared.state.rate == {"rate_per_s": 5.0, "window_s": None, "refused_per_s": None}
    assert observed == [batch(), rate(5)]
    assert repr(shared) == f"<SharedLedger {path}, 2 lines read>"


def test_a_line_that_is_being_written_is_read_when_it_is_whole(path: Path) -> None:
    shared, line = SharedLedger.open(path), event_line(rate(5))
    append_raw(path, line[:10])
    shared.refresh()
    assert shared.state.rate is None
    append_raw(path, line[10:])
    shared.refresh()
    assert shared.state.rate is not None


def test_appending_reads_what_others_wrote_first(path: Path) -> None:
    shared = SharedLedger.open(path)
    append_raw(path, event_line(rate(5)))

    def next_rate(state: BatchState) -> Iterable[Event]:
        assert state.rate is not None
        yield rate((state.rate["rate_per_s"] or 0) + 1)

    assert shared.append(next_rate)
    assert shared.append(next_rate)
    assert rates(path) == [5, 6, 7]
    assert shared.state.rate == {"rate_per_s": 7.0, "window_s": None, "refused_per_s": None}
    assert check(path).findings == []


def test_nothing_is_appended_while_another_process_holds_the_lock(path: Path) -> None:
    shared = SharedLedger.open(path)
    with FileLedger.open(path):
        assert not shared.append(lambda _: [rate(5)])
    assert rates(path) == []
    assert shared.append(lambda _: [rate(5)])
    assert shared.append(lambda _: [])
    assert rates(path) == [5]


def test_its_lock_is_given_back_at_once(path: Path) -> None:
    SharedLedger.open(path).append(lambda _: [rate(5)])
    with FileLedger.open(path) as ledger:
        assert ledger.state.rate is not None


def test_a_torn_last_line_is_cut_off_before_appending(path: Path) -> None:
    append_raw(path, b'{"event":"rate","at"')
    shared = SharedLedger.open(path)
    assert shared.append(lambda _: [rate(5)])
    assert rates(path) == [5]
    assert path.with_name(path.name + ".torn").read_bytes() == b'{"event":"rate","at"\n'


def test_a_compacted_ledger_is_read_again(path: Path) -> None:
    observed: list[Event] = []
    shared = SharedLedger.open(path, observed.append)
    shared.append(lambda _: [rate(5)])
    compact(path)
    observed.clear()
    shared.refresh()
    assert shared.reloads == 1
    assert observed[0] == batch()
    assert shared.state.batch == batch()


def test_a_ledger_that_was_removed_cut_or_replaced_is_refused(path: Path, tmp_path: Path) -> None:
    shared = SharedLedger.open(path)
    other = tmp_path / "other"
    other.write_bytes(event_line(batch()).replace(b'"batch_id":"', b'"batch_id":"x'))
    path.rename(tmp_path / "away")
    with pytest.raises(LedgerChangedError, match="was removed"):
        shared.refresh()
    other.rename(path)
    with pytest.raises(LedgerChangedError, match="was replaced by that of another batch"):
        shared.refresh()
    (tmp_path / "away").rename(path)
    again = SharedLedger.open(path)
    os.truncate(path, 10)
    with pytest.raises(LedgerChangedError, match="was cut"):
        again.refresh()


@pytest.mark.parametrize("kind", ["missing", "empty", "pipe", "folder"])
def test_only_a_ledger_can_be_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.ledger.jsonl"
    if kind == "empty":
        path.touch()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    errors = {"empty": LedgerFormatError, "pipe": UsageError, "folder": UsageError}
    with pytest.raises(errors.get(kind, LedgerError)) as refused:
        SharedLedger.open(path)
    assert str(path) in str(refused.value)


def test_a_failed_write_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = SharedLedger.open(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("batchrun.ledger.shared.sync_file", full)
    with pytest.raises(LedgerWriteError, match="No space left on device"):
        shared.append(lambda _: [rate(5)])


@pytest.mark.parametrize(
    ("status", "ended"),
    [("PENDING", False), ("RUNNING", False), (None, False), ("QUEUED", False), ("TIMED_OUT", True), (GONE, True)],
)
def test_only_final_statuses_and_gone_are_ends(status: str | None, ended: bool) -> None:
    assert has_ended(status) is ended


def test_what_was_tracked_survives_being_packed() -> None:
    state = BatchState(runs={"k": RunState(run_id="r")})
    event = StatusEvent(
        at=AT,
        key="k",
        run_id="r",
        status="COMPLETED",
        create_time="2026-01-01T00:00:00.5Z",
        complete_time="2026-01-01T00:01:00Z",
        kube_app_id="app-1",
    )
    tracked = fold(state, event).runs["k"].tracked
    assert tracked is not None
    assert (tracked.created_s, tracked.started_s, tracked.kube_app_id) == (1767225600.5, None, "app-1")
    assert tracked.completed_s == 1767225660.0
