"""What lies around a ledger: another key, an older copy, another batch of the same sweep, the file itself."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.laws.command import Command, once, supported
from tests.laws.service import CREATED, HELD_BACK, LOST, Act, Service, refusal, wait_until

ABSENT = Act(commits=False, status=None)
"""No run is created, and there is no response."""


@pytest.mark.parametrize("reveals", [True, False], ids=["revealed", "refused"])
def test_another_organizations_key_creates_nothing(command: Command, service: Service, *, reveals: bool) -> None:
    """Its list is empty, which says nothing about runs of the organization that the batch belongs to."""
    service.organizations = {"laws-key-other": "org-2"}
    service.reveals_organization = reveals
    command.sweep(6)
    service.act = lambda post: CREATED if post.number <= 3 else HELD_BACK
    command.submit_and_kill(6, recorded=3)
    service.act = lambda _: CREATED
    command.environ["WHEROBOTS_API_KEY"] = "laws-key-other"
    refused = command.submit()
    assert service.names() == once(6)
    assert refused.status == 4
    del command.environ["WHEROBOTS_API_KEY"]
    assert command.submit().status == 0
    assert service.names() == once(6)


def test_an_unproven_organization_proves_no_absence(command: Command, service: Service) -> None:
    """Nothing of the batch is known to exist, and the service does not reveal whose key it is."""
    service.organizations = {"laws-key-other": "org-2"}
    service.reveals_organization = False
    command.sweep(3)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(3)
    service.act = lambda _: CREATED
    command.environ["WHEROBOTS_API_KEY"] = "laws-key-other"
    process = command.start("submit", "sweep.toml", "--base-url", service.url, "--settle-after", "0.1s", "--yes")
    lists = service.lists
    wait_until(lambda: service.lists > lists + 12)
    assert process.poll() is None
    assert service.names() == once(3)


def test_a_key_that_hides_its_organization_creates_nothing_for_a_batch_that_knows_its_own(
    command: Command, service: Service
) -> None:
    """No run of the batch can show whose key it is, and a later session would believe that it was the batch's."""
    service.organizations = {"laws-key-other": "org-2"}
    command.sweep(3)
    service.act = lambda _: refusal(401)
    assert command.submit().status == 3
    service.act = lambda _: CREATED
    service.reveals_organization = False
    command.environ["WHEROBOTS_API_KEY"] = "laws-key-other"
    refused = command.submit()
    assert service.names() == {}
    assert refused.status == 4
    assert "org-1" in refused.text
    service.reveals_organization = True
    del command.environ["WHEROBOTS_API_KEY"]
    assert command.submit().status == 0
    assert service.names("org-1") == once(3)


def test_nothing_new_is_sent_with_a_key_that_may_be_anothers(command: Command, service: Service) -> None:
    """A batch in two organizations could never be settled: each of its keys proves nothing about the other's runs."""
    service.organizations = {"laws-key-other": "org-2"}
    service.reveals_organization = False
    command.sweep(3)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(3)
    service.act = lambda _: CREATED
    command.sweep(6)
    command.environ["WHEROBOTS_API_KEY"] = "laws-key-other"
    stopped = command.submit("--extend")
    assert (stopped.status, service.names()) == (3, once(3)), stopped.text
    assert "no run of the batch proves that this API key" in stopped.text
    del command.environ["WHEROBOTS_API_KEY"]
    assert command.submit("--extend").status == 0
    assert service.names() == once(6)


def test_a_batch_with_unknown_runs_does_not_move_to_another_server(command: Command, service: Service) -> None:
    command.sweep(3)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(3)
    with Service() as other:
        command.service = other
        refused = command.submit("--to-another-server")
        assert refused.status == 4
        assert other.names() == {}


@pytest.fixture
def copied(command: Command) -> Command:
    """The ledger is a copy from when only four runs were planned; six more were created since."""
    command.sweep(4)
    assert command.submit().status == 0
    shutil.copy(command.ledger, command.folder / "copy.jsonl")
    command.sweep(10)
    assert command.submit("--extend").status == 0
    shutil.copy(command.ledger, command.folder / "newer.jsonl")
    shutil.copy(command.folder / "copy.jsonl", command.ledger)
    return command


def test_a_stale_copy_of_the_ledger_is_not_continued(copied: Command, service: Service) -> None:
    before = copied.ledger.read_bytes()
    for flags in (("--extend",), ("--extend", "--retry", "failed")):
        refused = copied.submit(*flags)
        assert service.names() == once(10)
        assert refused.status == 4
    assert "6 runs of this sweep exist at the service but not in this ledger" in refused.text
    assert all(flag in refused.text for flag in ("--ledger", "--adopt-existing", "--not-ours"))
    assert copied.ledger.read_bytes() == before


def test_a_stale_copy_is_noticed_although_a_session_failed_meanwhile(copied: Command, service: Service) -> None:
    """Events that such a session leaves behind are no sign that the ledger is up to date."""
    service.rejects_keys = True
    assert copied.submit("--extend").status == 3
    service.rejects_keys = False
    assert copied.submit("--extend").status == 4
    assert service.names() == once(10)


def test_a_stale_copy_may_take_the_runs_over(copied: Command, service: Service) -> None:
    assert copied.submit("--extend", "--adopt-existing").status == 0
    assert service.names() == once(10)
    assert copied.run("ledger", "check", copied.ledger.name).status == 0
    assert copied.submit().status == 0
    assert service.names() == once(10)


def test_runs_that_are_said_to_be_another_batchs_are_never_asked_about_again(copied: Command, service: Service) -> None:
    assert copied.submit("--extend", "--not-ours").status == 0
    assert service.names() == {f"tile-run-{n}": 1 + (n > 4) for n in range(1, 11)}
    copied.sweep(12)
    assert copied.submit("--extend").status == 0


def test_the_newer_ledger_is_continued_in_place_of_a_stale_copy(copied: Command, service: Service) -> None:
    assert copied.submit("--ledger", "newer.jsonl").status == 0
    assert service.names() == once(10)


def test_a_killed_session_does_not_look_like_a_stale_copy(command: Command, service: Service) -> None:
    command.sweep(8)
    service.act = lambda post: CREATED if post.number <= 4 else HELD_BACK
    command.submit_and_kill(8)
    service.act = lambda _: CREATED
    ended = command.submit()
    assert service.names() == once(8)
    assert ended.status == 0, ended.err


def test_a_killed_session_with_names_that_look_like_reruns_is_no_stale_copy(command: Command, service: Service) -> None:
    """tile-run-r2 is a planned run of its own here, and not the second generation of tile-run."""
    command.sweep(1, extra=', "{{end}}"')
    sweep = command.folder / "sweep.toml"
    text = sweep.read_text().replace("tile-run-{{n}}", "tile-run{{end}}")
    sweep.write_text(text.replace("[axes]", '[axes]\nend = ["-r2", ""]'))
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(1, "--concurrency", "1", "--timeout", "50s")
    service.act = lambda _: CREATED
    ended = command.submit()
    assert ended.status == 0, ended.err
    assert set(service.names().values()) == {1}
    assert len(service.runs) == 2


def test_a_lost_ledger_is_not_replaced_by_a_new_one(command: Command, service: Service) -> None:
    """A workspace of a CI service that is gone is the likeliest way to create everything twice."""
    command.sweep(5)
    assert command.submit().status == 0
    command.ledger.unlink()
    refused = command.submit()
    assert service.names() == once(5)
    assert refused.status == 4
    assert all(way in refused.text for way in ("batchrun recover", "--again", "--ledger"))
    assert not command.ledger.exists()
    assert command.submit("--again").status == 0
    assert service.names() == {f"tile-run-{n}": 2 for n in range(1, 6)}


@pytest.mark.parametrize("dated", [True, False], ids=["dated", "undated"])
def test_a_second_batch_of_a_sweep_never_adopts_the_firsts_runs(
    command: Command, service: Service, *, dated: bool
) -> None:
    """The first batch's runs are seconds old, and have the same names and payloads; the second one's requests get lost."""
    if not dated:
        service.date = lambda _: None
    command.sweep(3)
    assert command.submit().status == 0
    service.act = lambda post: ABSENT if post.nth == 2 else CREATED
    ended = command.submit("--ledger", "second.jsonl", *supported("--again"))
    assert service.names() == {f"tile-run-{n}": 2 for n in range(1, 4)}
    assert ended.status == 0, ended.err


def append(ledger: Path) -> None:
    with ledger.open("a") as file:
        file.write('{"event":"attempt","at":"2026-11-25T00:00:00.000Z","key":"0123456789abcdef","n":1}\n')


def replace(ledger: Path) -> None:
    shutil.copy(ledger, ledger.with_name("other"))
    ledger.with_name("other").replace(ledger)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Path.unlink, "was removed"),
        (lambda ledger: ledger.rename(ledger.with_name("moved.jsonl")), "was moved"),
        (replace, "was replaced by another file"),
        (lambda ledger: os.truncate(ledger, 200), "was cut"),
        (append, "was written by another process"),
    ],
    ids=["removed", "moved", "replaced", "cut", "appended"],
)
def test_a_ledger_that_is_changed_while_it_is_written_stops_the_session(
    command: Command, service: Service, change: Callable[[Path], None], words: str
) -> None:
    command.sweep(40)
    process = command.start("submit", "sweep.toml", "--base-url", service.url, "--rate", "20", "--yes")
    service.wait_for(3)
    change(command.ledger)
    out, err = process.communicate(timeout=30)
    created = len(service.runs)
    assert created < 40
    assert process.returncode == 4, out + err
    assert words in " ".join(err.split())


@pytest.mark.parametrize("maintenance", ["compact", "none"])
def test_a_ledger_is_one_whether_it_is_reached_by_a_link_or_not(
    command: Command, service: Service, maintenance: str
) -> None:
    home = command.folder / "elsewhere"
    home.mkdir()
    command.ledger.symlink_to(home / "real.jsonl")
    command.sweep(3)
    service.act = lambda _: LOST
    assert command.submit().status == 0
    if maintenance == "compact":
        assert command.run("ledger", "compact", command.ledger.name).status == 0
    assert command.ledger.is_symlink()
    command.sweep(5)
    assert command.submit("--extend").status == 0
    ended = command.submit("--ledger", str(home / "real.jsonl"))
    assert service.names() == once(5)
    assert ended.status == 0, ended.err


def test_a_ledger_with_another_hard_link_is_not_compacted(command: Command, service: Service) -> None:
    command.sweep(3)
    assert command.submit().status == 0
    other = command.ledger.with_name("other.jsonl")
    other.hardlink_to(command.ledger)
    before = command.ledger.read_bytes()
    ended = command.run("ledger", "compact", command.ledger.name)
    assert ended.status == 4, ended.text
    assert "hard link" in ended.text
    assert command.ledger.samefile(other)  # else there were two ledgers of one batch
    assert command.ledger.read_bytes() == before
    other.unlink()
    assert command.run("ledger", "compact", command.ledger.name).status == 0
    assert service.names() == once(3)
