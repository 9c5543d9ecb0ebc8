"""A changed setting gives a point another key under the same name: what is sent under it, and what a person decides."""

import json
from typing import Any

import pytest

from tests.laws.command import Command
from tests.laws.service import CREATED, HELD_BACK, Act, Service

LOST_ATTEMPTS = {"nothing": Act(commits=False, status=None, holds=True), "a run": HELD_BACK}


def edited_after_a_loss(command: Command, service: Service, first: Act) -> None:
    """The response for ``tile-run-1`` is lost, and the process killed; then a setting changes. The service rewrites later runs."""
    command.sweep(3)
    service.act = lambda post: first if post.name == "tile-run-1" else CREATED
    command.submit_and_kill(2 + first.commits, recorded=2)
    service.act = lambda _: CREATED
    command.sweep(3, runtime="small")
    service.shown = lambda payload: payload if payload["runtime"] == "tiny" else payload | {"runtime": "SMALL"}


@pytest.mark.parametrize("first", LOST_ATTEMPTS.values(), ids=LOST_ATTEMPTS.keys())
def test_an_edit_creates_every_run_whose_earlier_attempt_is_settled(
    command: Command, service: Service, first: Act
) -> None:
    edited_after_a_loss(command, service, first)
    ended = command.submit("--extend", "--recreate")
    assert ended.status == 0, ended.err
    assert service.names() == {"tile-run-1": 1 + first.commits, "tile-run-2": 2, "tile-run-3": 2}


@pytest.mark.parametrize("first", LOST_ATTEMPTS.values(), ids=LOST_ATTEMPTS.keys())
def test_a_run_that_a_lost_attempt_of_its_name_hid_in_a_stale_copy_is_not_created_again(
    command: Command, service: Service, first: Act
) -> None:
    """The person was shown the other runs only, and says wrongly that they are another batch's."""
    edited_after_a_loss(command, service, first)
    copy = command.ledger.read_bytes()
    assert command.submit("--extend", "--recreate").status == 0
    command.ledger.write_bytes(copy)
    before = service.names()["tile-run-1"]
    ended = command.submit("--extend", "--recreate", "--not-ours")
    assert service.names() == {"tile-run-1": before, "tile-run-2": 3, "tile-run-3": 3}
    assert ended.status == 1
    assert "but it may also be an earlier one of this name" in ended.text
    assert command.submit().status == 1
    assert service.names()["tile-run-1"] == before
    key = next(run["key"] for run in unknown_runs(command) if run["attempts"] == 0)
    assert f"{command.ledger.name} {key}" in ended.text
    newer = max(run.run_id for run in service.runs if run.name == "tile-run-1")
    ended = command.run(*resolve(command, key), "--adopt", newer)
    assert ended.status == 0, ended.err
    if not first.commits:
        assert command.run(*resolve(command, "tile-run-1"), "--drop").status == 0
    assert command.submit().status == 0
    assert service.names()["tile-run-1"] == before


def resolve(command: Command, word: str) -> list[str]:
    return ["resolve", command.ledger.name, word, "--base-url", command.service.url, "--yes"]


def test_two_unknown_runs_of_one_name_are_resolved_by_key(command: Command, service: Service) -> None:
    edited_after_a_loss(command, service, Act(commits=False, status=None, holds=True))
    copy = command.ledger.read_bytes()
    assert command.submit("--extend", "--recreate").status == 0
    command.ledger.write_bytes(copy)
    assert command.submit("--extend", "--recreate", "--not-ours").status == 1
    earlier, present = sorted(unknown_runs(command), key=lambda run: -run["attempts"])
    for decision in (["--drop"], ["--adopt", "run-00001"], ["--resend", "--not-ours"]):
        refused = command.run(*resolve(command, "tile-run-1"), *decision)
        assert refused.status == 2
        assert all(run["key"] in refused.text for run in (earlier, present))
    shown = command.run("resolve", command.ledger.name, "tile-run-1", "--base-url", service.url)
    assert all(run["key"] in shown.text for run in (earlier, present))
    assert command.run(*resolve(command, earlier["key"]), "--drop").status == 0
    assert command.run(*resolve(command, "tile-run-1"), "--resend", "--not-ours").status == 0
    assert command.submit().status == 0
    assert service.names()["tile-run-1"] == 2


def unknown_runs(command: Command) -> list[dict[str, Any]]:
    ended = command.run("resolve", command.ledger.name, "--base-url", command.service.url, "--json")
    runs: list[dict[str, Any]] = json.loads(ended.out)["runs"]
    return runs
