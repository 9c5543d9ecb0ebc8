"""A torn last line is cut off only once it is kept elsewhere, and nothing of anybody else's is touched."""

import os
from pathlib import Path

import pytest

from batchrun.errors import LedgerError, UsageError
from batchrun.ledger.reader import Reading
from batchrun.ledger.torn import cut_torn

WHOLE, TORN = b'{"whole":1}\n', b'{"torn'


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.ledger.jsonl"
    path.write_bytes(WHOLE + TORN)
    return path


def cut(ledger: Path) -> None:
    fd = os.open(ledger, os.O_RDWR)
    try:
        cut_torn(fd, ledger, Reading(ledger, end=len(WHOLE), torn=TORN, lines=1))
    finally:
        os.close(fd)


def kept(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".torn")


def test_the_line_moves_to_a_file_that_its_owner_alone_reads(ledger: Path) -> None:
    cut(ledger)
    assert ledger.read_bytes() == WHOLE
    assert kept(ledger).read_bytes() == TORN + b"\n"
    assert kept(ledger).stat().st_mode & 0o777 == 0o600


def test_an_earlier_torn_line_stays(ledger: Path) -> None:
    kept(ledger).write_bytes(b"earlier\n")
    cut(ledger)
    assert kept(ledger).read_bytes() == b"earlier\n" + TORN + b"\n"


@pytest.mark.parametrize("plant", ["symlink", "hard link", "folder", "pipe"])
def test_where_it_cannot_be_kept_nothing_is_cut(ledger: Path, plant: str) -> None:
    other = ledger.parent / "precious.txt"
    other.write_bytes(b"precious")
    match plant:
        case "symlink":
            kept(ledger).symlink_to(other)
        case "hard link":
            kept(ledger).hardlink_to(other)
        case "folder":
            kept(ledger).mkdir()
        case _:
            os.mkfifo(kept(ledger))
    with pytest.raises((LedgerError, UsageError)) as failure:
        cut(ledger)
    assert kept(ledger).name in str(failure.value)
    assert ledger.read_bytes() == WHOLE + TORN
    assert other.read_bytes() == b"precious"
