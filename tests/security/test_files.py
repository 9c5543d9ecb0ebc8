"""Nothing but a ledger is written as one, nothing is removed that was not made here, and no planted link is followed."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from batchrun.errors import LedgerError, UsageError
from batchrun.files import open_regular, whole_file
from batchrun.ledger.file import FileLedger
from tests.cli.conftest import MANIFEST, Ended
from tests.security.hostile import batchrun as run_installed

Run = Callable[..., Ended]
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobs.toml").write_text(MANIFEST)
    return tmp_path


def made(folder: Path, kind: str) -> Path:
    path = folder / kind
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(str(path))
        case "directory":
            path.mkdir()
        case "circle":
            path.symlink_to(path)
        case "to-null":
            path.symlink_to("/dev/null")
        case _:
            return Path(kind)
    return path


KINDS = {
    "fifo": "is a pipe, not a regular file",
    "socket": "is a socket, not a regular file",
    "directory": "is a directory, not a regular file",
    "/dev/null": "is a device, not a regular file",
    "/dev/full": "is a device, not a regular file",
    "/dev/zero": "is a device, not a regular file",
    "to-null": "is a device, not a regular file",
}


@pytest.mark.parametrize(("kind", "fact"), KINDS.items())
def test_only_regular_files_are_ledgers(kind: str, fact: str, folder: Path, batchrun: Run) -> None:
    path = made(folder, kind)
    before = path.lstat()
    commands = [
        ("submit", "jobs.toml", "--emulator", "-y", "--ledger", path),
        ("submit", "jobs.toml", "--base-url", NOWHERE, "-y", "--ledger", path),
        ("resume", path, "--base-url", NOWHERE),
        ("status", path),
        ("ledger", "check", path),
        ("ledger", "compact", path),
        ("ledger", "export", path, "-o", "rows.csv"),
    ]
    for words in commands:
        ended = batchrun(*words)
        assert (ended.status, fact in ended.err) == (2, True), (words, ended)
    after = path.lstat()
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    assert not (folder / "rows.csv").exists()
    assert not path.with_name(path.name + ".runs.sqlite").exists()


def test_links_in_a_circle_are_an_error(folder: Path, batchrun: Run) -> None:
    path = made(folder, "circle")
    for words in (("submit", "jobs.toml", "--emulator", "-y", "--ledger", path), ("status", path), ("resume", path)):
        assert batchrun(*words).status in {2, 4}
    assert path.is_symlink()


@pytest.mark.parametrize(
    "content",
    [
        b'{"keep": "this"}',
        b"milk, eggs",
        b'{"event":"att',
        b"\0" * 4096,
        b'{"event":"attempt","key":"a"}',
        b"a\nb",
        b"{",
    ],
)
def test_what_does_not_begin_as_a_ledger_is_never_changed(content: bytes, folder: Path, batchrun: Run) -> None:
    path = folder / "precious.json"
    path.write_bytes(content)
    path.chmod(0o640)
    before = path.stat()
    commands = [
        ("submit", "jobs.toml", "--base-url", NOWHERE, "-y", "--ledger", path),
        ("resume", path, "--base-url", NOWHERE),
        ("status", path),
        ("ledger", "check", path),
        ("ledger", "compact", path),
    ]
    for words in commands:
        ended = batchrun(*words)
        assert (ended.status, "not the beginning of a ledger" in ended.err) == (4, True), (words, ended)
    after = path.stat()
    assert path.read_bytes() == content
    assert (after.st_mode, after.st_ino, after.st_mtime_ns) == (before.st_mode, before.st_ino, before.st_mtime_ns)
    assert sorted(one.name for one in folder.iterdir()) == ["jobs.toml", "precious.json"]


def test_an_empty_file_that_was_there_stays(folder: Path) -> None:
    path = folder / "empty"
    path.touch()
    FileLedger.open(path, create=True).close()
    assert path.exists()


def test_a_file_that_was_made_and_not_used_goes(folder: Path) -> None:
    FileLedger.open(folder / "new", create=True).close()
    assert not (folder / "new").exists()


def test_another_file_under_the_name_of_an_unused_ledger_stays(folder: Path) -> None:
    path = folder / "new"
    ledger = FileLedger.open(path, create=True)
    (folder / "other").touch()
    (folder / "other").rename(path)
    ledger.close()
    assert path.exists()


def test_a_link_that_leads_nowhere_stays_and_its_target_is_the_ledger(folder: Path, batchrun: Run) -> None:
    link, target = folder / "link", folder / "elsewhere.ledger.jsonl"
    link.symlink_to(target)
    FileLedger.open(link, create=True).close()
    assert link.is_symlink()
    assert not target.exists()
    assert batchrun("submit", "jobs.toml", "--emulator", "-y", "--ledger", link, "-q").status == 0
    assert link.is_symlink()
    assert target.read_bytes().startswith(b'{"event":"batch",')


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The ledger of a finished batch; made once, since starting an emulator takes two seconds."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "jobs.toml").write_text(MANIFEST)
    done = run_installed(folder, "submit", "jobs.toml", "--emulator", "-y", "--ledger", "jobs.ledger.jsonl", "-q")
    assert done.returncode == 0, done.stderr
    return (folder / "jobs.ledger.jsonl").read_bytes()


@pytest.fixture
def ledger(folder: Path, finished: bytes) -> Path:
    """That ledger, its last line torn."""
    path = folder / "jobs.ledger.jsonl"
    path.write_bytes(finished + b'{"event":"att')
    path.chmod(0o600)
    return path


def test_a_torn_line_is_not_appended_to_what_a_link_leads_to(ledger: Path) -> None:
    victim = ledger.with_name("victim")
    victim.write_text("mine")
    before = ledger.read_bytes()
    torn = ledger.with_name(ledger.name + ".torn")
    for plant in (torn.symlink_to, torn.hardlink_to):
        plant(victim)
        with pytest.raises(LedgerError, match=r"cannot be kept in jobs.ledger.jsonl.torn"):
            FileLedger.open(ledger)
        torn.unlink()
    os.mkfifo(torn)
    with pytest.raises((LedgerError, UsageError)):
        FileLedger.open(ledger)
    assert victim.read_text() == "mine"
    assert ledger.read_bytes() == before
    torn.unlink()
    FileLedger.open(ledger).close()
    assert torn.read_bytes() == b'{"event":"att\n'
    assert stat.S_IMODE(torn.stat().st_mode) == 0o600


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_an_export_follows_no_planted_link(format_: str, ledger: Path, batchrun: Run) -> None:
    victim = ledger.with_name("victim")
    victim.write_text("mine")
    ledger.with_name(f"rows.{format_}.part").symlink_to(victim)
    assert batchrun("ledger", "export", ledger, "-o", f"rows.{format_}").status == 0
    assert victim.read_text() == "mine"
    assert not [one.name for one in ledger.parent.iterdir() if one.name.startswith(".")]


def test_an_export_through_a_link_replaces_what_it_leads_to(ledger: Path, batchrun: Run) -> None:
    real = ledger.with_name("real.csv")
    real.write_text("earlier")
    real.chmod(0o600)
    link = ledger.with_name("link.csv")
    link.symlink_to(real)
    assert batchrun("ledger", "export", ledger, "-o", link).status == 0
    assert link.is_symlink()
    assert real.read_text().startswith("index,")
    assert stat.S_IMODE(real.stat().st_mode) == 0o600  # as it was


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_an_export_and_a_plan_follow_the_umask(umask: int, mode: int, ledger: Path, batchrun: Run) -> None:
    before = os.umask(umask)
    try:
        assert batchrun("ledger", "export", ledger, "-o", "rows.csv").status == 0
        assert batchrun("plan", "jobs.toml", "-o", "plan.jsonl").status == 0
    finally:
        os.umask(before)
    for name in ("rows.csv", "plan.jsonl"):
        assert stat.S_IMODE(ledger.with_name(name).stat().st_mode) == mode
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600


@pytest.mark.parametrize("target", ["/dev/null", "fifo", "directory"])
def test_what_is_no_file_is_not_replaced(target: str, ledger: Path, batchrun: Run) -> None:
    path = made(ledger.parent, target)
    before = path.lstat()
    link = ledger.with_name("to.csv")
    link.symlink_to(path)
    plan = ledger.with_name("to.jsonl")
    plan.symlink_to(path)
    for words in (("ledger", "export", ledger, "-o", link), ("plan", "jobs.toml", "-o", plan)):
        ended = batchrun(*words)
        assert (ended.status, "not a regular file" in ended.err) == (2, True), ended
    assert (path.lstat().st_mode, path.lstat().st_ino) == (before.st_mode, before.st_ino)


def test_compacting_through_a_link_replaces_the_ledger_itself(ledger: Path, batchrun: Run) -> None:
    link = ledger.with_name("link.ledger.jsonl")
    link.symlink_to(ledger)
    assert batchrun("ledger", "compact", link).status == 0
    assert link.is_symlink()
    assert ledger.read_bytes().count(b"\n") < 20
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600


def test_deeply_nested_lines_are_an_error_of_the_ledger(ledger: Path, batchrun: Run) -> None:
    FileLedger.open(ledger).close()
    nested = b'{"event":"submitted","at":"x","key":"k","n":1,"run_id":"r","name":"n","point":' + b"[" * 200_000 + b"\n"
    with ledger.open("ab") as file:
        file.write(nested)
    for words in (("status", ledger), ("resume", ledger, "--emulator"), ("ledger", "check", ledger)):
        ended = batchrun(*words)
        assert (ended.status, "the line cannot be read" in ended.err) == (4, True), ended
    ledger.write_bytes(b'{"event":"batch","overrides":' + b"[" * 200_000 + b"\n")
    assert batchrun("status", ledger).status == 4


def test_a_file_that_could_not_be_finished_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("earlier")
    with pytest.raises(TypeError), whole_file(target) as unfinished:
        unfinished.write("half")  # type: ignore[call-overload]  # the mistake that ends it
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    assert target.read_text() == "earlier"


def test_opening_a_pipe_does_not_wait(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a pipe"):
        open_regular(made(tmp_path, "fifo"))
