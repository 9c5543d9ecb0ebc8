"""Lists that are short, broken or hostile: they prove nothing, and what they show is never adopted blindly."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.laws.command import Command, once
from tests.laws.service import CREATED, ERROR, HELD_BACK, LOST, Act, Payload, Service, wait_until

ABSENT = Act(commits=False, status=None)
"""No run is created, and there is no response."""
LOOKS = 9
"""Lists after which a session that believed them would have sent the runs again."""
BROKEN = 5
"""Lists that cannot be read, after which it is clear that they are tried again, and with longer and longer waits."""

REPORTED = {0: "3 unknown", 1: "unknown; the service holds a run", 3: "error: "}
"""What the command says at least, by its exit status: all was found later, a person decides, or it stopped."""
MOST_KB = 300_000
"""Of a process: a page of 100 MB is not read to its end."""


def mask(payload: Payload) -> Payload:
    return payload | {"runPython": payload["runPython"] | {"args": ["--tile", "***"]}}


def sort(payload: Payload) -> Payload:
    return payload | {"runPython": payload["runPython"] | {"args": sorted(payload["runPython"]["args"])[::-1]}}


def upper(payload: Payload) -> Payload:
    return payload | {"runtime": payload["runtime"].upper() + "-V2"}


@pytest.mark.parametrize("shown", [mask, sort, upper])
def test_a_run_of_our_name_with_another_payload_stays_unknown_until_a_person_decides(
    command: Command, service: Service, shown: Callable[[Payload], Payload]
) -> None:
    """The service may have rewritten the payload: such a run is neither ours for sure nor absent."""
    service.shown = shown
    service.act = lambda post: LOST if post.nth == 1 else CREATED
    command.sweep(3)
    ended = command.submit()
    assert service.names() == once(3)
    assert ended.status == 1
    assert "may be this one, but its payload differs" in ended.text
    assert "batchrun resolve" in ended.text
    assert command.submit().status == 1
    assert service.names() == once(3)


def test_a_tagged_run_is_recognised_whatever_became_of_its_payload(command: Command, service: Service) -> None:
    service.shown = mask
    service.act = lambda post: LOST if post.nth == 1 else CREATED
    command.sweep(3, more="\n[submit]\ntag = true\n")
    ended = command.submit()
    assert service.names() == once(3)
    assert ended.status == 0, ended.err


def test_a_tagged_run_of_another_batch_is_not_taken_for_ours(command: Command, service: Service) -> None:
    """Without preflight's list the two batches can be told apart by the tag alone."""
    command.sweep(2, more="\n[submit]\ntag = true\n")
    assert command.submit().status == 0
    service.act = lambda post: ABSENT if post.nth == 2 else CREATED
    lists = service.lists
    service.page = lambda page: page | {"items": []} if service.lists <= lists + 2 else page
    ended = command.submit("--ledger", "second.jsonl")
    assert service.names() == {"tile-run-1": 2, "tile-run-2": 2}
    assert ended.status == 0, ended.err


@pytest.mark.parametrize("others", [0, 3])
@pytest.mark.parametrize("keeps_payload", [True, False], ids=["", "in-payload-too"])
def test_a_service_that_writes_names_another_way_gets_nothing_twice(
    command: Command, service: Service, *, others: int, keeps_payload: bool
) -> None:
    """A list by the name that was sent is empty forever, which proves nothing."""
    service.stored_name = str.upper
    if not keeps_payload:
        service.shown = lambda payload: payload | {"name": payload["name"].upper()}
    service.act = lambda post: LOST if post.number <= 2 else CREATED
    command.sweep(2 + others)
    ended = command.submit()
    assert service.names() == {f"TILE-RUN-{n}": 1 for n in range(1, 3 + others)}
    assert ended.status == 1
    assert "may be this one, but it is named TILE-RUN-" in ended.text
    verified = command.run("verify", command.ledger.name, "--base-url", service.url)
    assert verified.status == 1
    assert "not listed" not in verified.text
    assert all(run.run_id in verified.text for run in service.runs[:2])


def test_a_service_that_does_not_filter_by_name_is_searched_without(command: Command, service: Service) -> None:
    service.rejects_names = True
    service.act = lambda post: CREATED if post.nth > 1 or post.number > 4 else LOST if post.number <= 2 else ERROR
    command.sweep(6)
    ended = command.submit()
    assert service.names() == once(6)
    assert ended.status == 0, ended.err
    assert "could not check whether runs with these names already exist" in ended.text


def test_a_list_that_ends_early_makes_nothing_absent(command: Command, service: Service) -> None:
    """The total says 12, and paging ends at 3: the nine oldest runs are not listed."""
    command.sweep(12)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(12)
    service.act = lambda _: CREATED
    service.list_ends_after = 3
    ended = command.submit()
    assert service.names() == once(12)
    assert ended.status == 0, ended.err  # each of them is in the list of its own name


def test_a_success_without_an_id_is_not_said_to_have_created_a_run(command: Command, service: Service) -> None:
    """It may be a login page: nothing says that a run exists, and nothing says that it does not."""
    service.act = lambda post: Act(commits=False, status=200) if post.name == "tile-run-1" else CREATED
    command.sweep(3)
    ended = command.submit()
    assert (ended.status, service.names()["tile-run-1"], service.posts["tile-run-1"]) == (1, 0, 1)
    assert "answered with a 2xx without a readable id, and is not listed" in ended.text
    assert "created it" not in ended.text


def one_id_for_two(page: Payload) -> Payload:
    """The ids of two runs are the same."""
    return page | {"items": [run | {"id": "run-00001"} for run in page["items"]]}


def test_a_list_of_one_name_that_shows_another_run_under_it_is_not_believed(command: Command, service: Service) -> None:
    """Each list shows one run only, always with the same id: it is no list's own contradiction."""
    service.act = lambda post: LOST if post.nth == 1 else CREATED
    service.list_ends_after = 1
    service.page = lambda page: page | {"items": [run | {"id": "same-id-1"} for run in page["items"]]}
    command.sweep(3)
    ended = command.submit()
    assert service.names() == once(3)
    assert ended.status == 1
    assert "is not found by its id" in ended.text
    assert '"event":"submitted"' not in command.ledger.read_text()


def test_what_recover_leaves_unknown_is_shown_by_verify(command: Command, service: Service) -> None:
    """The runs are older than the rebuilt ledger, and none of them was adopted."""
    command.sweep(2)
    assert command.submit().status == 0
    command.ledger.unlink()
    service.runs = [replace(run, created_s=run.created_s - 3600) for run in service.runs]
    service.shown = mask
    recovered = command.run("recover", "sweep.toml", "--base-url", service.url, "--settle-after", "0.05s")
    assert '"event":"submitted"' not in command.ledger.read_text(), recovered.text
    verified = command.run("verify", command.ledger.name, "--base-url", service.url)
    assert "not listed" not in verified.text
    assert "run-00001" in verified.text


def wrong_types(page: Payload) -> Payload:
    return page | {"items": [run | {"id": 7, "name": ["x"]} for run in page["items"]]}


def no_list(_: Payload) -> Any:
    return ["not", "a", "page"]


def no_total(page: Payload) -> Payload:
    return {name: value for name, value in page.items() if name != "total"} | {"items": []}


def negative(page: Payload) -> Payload:
    return page | {"items": [], "total": -1}


CURSORS = count(1)


def endless(page: Payload) -> Payload:
    return page | {"items": [], "total": 10**12, "next_page": str(next(CURSORS))}


def escaping(page: Payload) -> Payload:
    return page | {"items": [run | {"id": f"../runs/{run['id']}%2f?x=\x1b[2J"} for run in page["items"]]}


def doubled(page: Payload) -> Payload:
    """Each row twice, and the total counts both."""
    return page | {"items": [run for run in page["items"] for _ in range(2)], "total": 2 * page["total"]}


def undated(page: Payload) -> Payload:
    return page | {"items": [run | {"createTime": None} for run in page["items"]]}


def huge(page: Payload) -> Payload:
    return page | {"filler": "x" * 100_000_000}


@pytest.mark.parametrize(
    ("page", "looks"),
    [
        (no_total, LOOKS),
        (negative, LOOKS),
        (endless, LOOKS),
        (escaping, LOOKS),
        (doubled, LOOKS),
        (undated, LOOKS),
        (one_id_for_two, BROKEN),
        (wrong_types, BROKEN),
        (no_list, BROKEN),
        (huge, BROKEN),
    ],
)
def test_a_hostile_list_is_bounded_and_nothing_in_it_is_adopted(
    command: Command, service: Service, page: Callable[[Payload], Any], looks: int
) -> None:
    """Three runs exist, their responses were lost, and each list is broken in its own way, until it is sound again."""
    command.sweep(3)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(3)
    service.act = lambda _: CREATED
    service.page = page
    lists = service.lists
    process = command.start("submit", "sweep.toml", "--base-url", service.url, "--settle-after", "0.05s", "--yes")
    wait_until(lambda: service.lists >= lists + looks or process.poll() is not None)
    used_kb = peak_kb(process.pid)
    service.page = lambda whole: whole
    out, err = process.communicate(timeout=40)
    assert used_kb < MOST_KB
    assert REPORTED[process.returncode] in " ".join(err.split())
    held = {run.name: run.run_id for run in service.runs}
    assert adopted(command).items() <= held.items()
    assert process.returncode != 0 or adopted(command) == held
    assert "Traceback" not in out + err
    assert "\x1b" not in out + err
    assert service.names() == once(3)


def test_one_id_on_two_pages_is_not_adopted(command: Command, service: Service) -> None:
    """Only the whole list shows the contradiction: each page has one run."""
    command.sweep(3)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(3)
    service.act, service.page_size, service.page = (lambda _: CREATED), 1, one_id_for_two
    lists = service.lists
    process = command.start("submit", "sweep.toml", "--base-url", service.url, "--settle-after", "0.05s", "--yes")
    wait_until(lambda: service.lists >= lists + 2 * BROKEN or process.poll() is not None)
    service.page = lambda whole: whole
    _, err = process.communicate(timeout=40)
    assert process.returncode == 0, err
    assert adopted(command) == {run.name: run.run_id for run in service.runs}


def peak_kb(pid: int) -> int:
    """The most memory that a running process has used so far; 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def adopted(command: Command) -> dict[str, str]:
    """The ids in the ledger, by name."""
    events = [json.loads(line) for line in command.ledger.read_text().splitlines()]
    return {event["name"]: event["run_id"] for event in events if event["event"] == "submitted"}
