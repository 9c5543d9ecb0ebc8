import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchrun.errors import LedgerHeldError
from batchrun.ledger.events import Event, SessionEvent, event_line
from batchrun.ledger.lock import lock
from tests.ledger.test_fold import AT
from tests.ledger.test_ledger import batch

Open = Callable[[], int]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchrun.ledger.lock.WAIT_FOR_APPEND_S", 0.3)
    monkeypatch.setattr("batchrun.ledger.lock.WAIT_IN_SESSION_S", 0.1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.ledger.jsonl"
    path.touch()
    return path


@pytest.fixture
def open_fd(path: Path) -> Iterator[Open]:
    """Opens the ledger as another process would."""
    opened: list[int] = []

    def open_it() -> int:
        opened.append(os.open(path, os.O_RDWR))
        return opened[-1]

    yield open_it
    for fd in opened:
        os.close(fd)


def session(pid: int, action: str = "start") -> SessionEvent:
    return SessionEvent(at=AT, action="start" if action == "start" else "stop", pid=pid, host="laptop")


def test_a_file_that_nobody_holds_can_be_locked(path: Path, open_fd: Open) -> None:
    assert lock(open_fd(), path)


def test_one_holder_at_a_time(path: Path, open_fd: Open) -> None:
    first = open_fd()
    lock(first, path)
    with pytest.raises(LedgerHeldError) as refused:
        lock(open_fd(), path)
    assert refused.value.problems[0].place == str(path)
    assert lock(first, path), "its holder may ask again"


@pytest.mark.parametrize("replaced", [True, False])
def test_a_file_that_is_no_longer_at_its_path_is_not_the_ledger(path: Path, open_fd: Open, replaced: bool) -> None:
    """Compacting replaces the file; whoever opened the old one would write where nobody reads."""
    fd = open_fd()
    path.rename(path.with_name("old"))
    if replaced:
        path.touch()
    assert not lock(fd, path)


@pytest.mark.parametrize(
    ("events", "holder"),
    [
        ([], r"(another process|process \d+) is writing it"),
        ([session(11)], f"process 11 on laptop has been writing it since {AT}"),
        ([session(11), session(11, "stop"), session(22)], f"process 22 on laptop has been writing it since {AT}"),
    ],
)
def test_the_holder_is_named_where_the_ledger_names_it(
    path: Path, open_fd: Open, events: list[Event], holder: str
) -> None:
    path.write_bytes(b"".join(map(event_line, [batch(), *events])))
    lock(open_fd(), path)
    with pytest.raises(LedgerHeldError, match=holder):
        lock(open_fd(), path)


def test_a_line_that_its_writer_has_not_finished_hides_nothing_but_the_name(path: Path, open_fd: Open) -> None:
    path.write_bytes(event_line(batch()) + event_line(session(11))[:-20])
    lock(open_fd(), path)
    with pytest.raises(LedgerHeldError, match=r"(another process|process \d+) is writing it"):
        lock(open_fd(), path)


def test_a_lock_that_is_held_for_one_append_is_waited_for(path: Path, open_fd: Open) -> None:
    held = os.open(path, os.O_RDWR)
    assert lock(held, path)
    release = threading.Timer(0.1, os.close, [held])
    release.start()
    assert lock(open_fd(), path)
    release.join()
