"""Lists that show only a part, or that no look can rely on: nothing is concluded, and a person can decide."""

from datetime import datetime, timedelta

import pytest

from tests.laws.command import Command, once
from tests.laws.service import CREATED, ERROR, HELD_BACK, LOST, Payload, Service, wait_until


def test_lists_of_ones_own_runs_prove_nothing_about_anothers(command: Command, service: Service) -> None:
    """A colleague continues the batch: their key is of the same organization, and lists show them their own runs."""
    service.lists_own_runs_only = True
    command.sweep(4)
    service.act = lambda post: HELD_BACK if post.number <= 2 else CREATED
    command.submit_and_kill(4, recorded=2)
    command.environ["WHEROBOTS_API_KEY"] = "laws-key-colleague"
    command.sweep(6)
    process = command.start(
        "submit", "sweep.toml", "--base-url", service.url, "--settle-after", "0.1s", "--extend", "--yes"
    )
    service.wait_for(6)
    before = service.lists
    wait_until(lambda: service.lists > before + 12)
    assert process.poll() is None
    assert service.names() == once(6)
    process.kill()
    process.communicate()
    del command.environ["WHEROBOTS_API_KEY"]
    assert command.submit().status == 0
    assert service.names() == once(6)


def test_lists_of_one_region_prove_nothing_about_another(command: Command, service: Service) -> None:
    service.listed_region = "aws-us-west-2"
    service.act = lambda post: LOST if post.name == "tile-run-6" else CREATED
    command.sweep(6, more='[[override]]\nwhen = { n = { from = 4 } }\nregion = "aws-eu-west-1"\n')
    process = command.start("submit", "sweep.toml", "--base-url", service.url, "--settle-after", "0.1s", "--yes")
    service.wait_for(6)
    before = service.lists
    wait_until(lambda: service.lists > before + 12)
    assert process.poll() is None
    assert service.names() == once(6)


@pytest.mark.parametrize("behind", [timedelta(seconds=50), timedelta(hours=7)], ids=["rounded", "another zone"])
def test_lists_that_date_runs_too_early_hide_none(command: Command, service: Service, behind: timedelta) -> None:
    """Responses give the right creation time, and lists an earlier one."""

    def dated(run: Payload) -> Payload:
        created = datetime.fromisoformat(run["createTime"])
        return run | {"createTime": (created - behind).isoformat()}

    service.page = lambda page: page | {"items": [dated(run) for run in page["items"]]}
    service.act = lambda post: LOST if (post.name, post.nth) == ("tile-run-2", 1) else CREATED
    command.sweep(4)
    submitted = command.submit()
    assert service.names() == once(4)
    assert submitted.status == 0, submitted.text


def one_id_for_all(page: Payload) -> Payload:
    return page | {"items": [run | {"id": "run-00001"} for run in page["items"]]}


def test_a_run_can_be_decided_about_although_the_list_contradicts_itself(command: Command, service: Service) -> None:
    command.sweep(2)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(2)
    service.page = one_id_for_all
    words = ("resolve", "sweep.toml", "--base-url", service.url)
    shown = command.run(*words)
    assert shown.status == 0, shown.text
    assert "the list gives the id run-00001 to two runs" in shown.text
    assert command.run(*words, "tile-run-1", "--drop", "--yes").status == 0
    adopted = command.run(*words, "tile-run-2", "--adopt", "run-00002", "--yes")
    assert adopted.status == 0, adopted.text


def test_a_run_that_cannot_be_looked_for_is_sent_on_a_persons_word(command: Command, service: Service) -> None:
    """An empty list claims to hold a run: the look right before sending proves nothing, today and tomorrow."""
    service.page = lambda page: page if page["items"] else page | {"total": 1}
    service.act = lambda post: ERROR if (post.name, post.nth) == ("tile-run-1", 1) else CREATED
    command.sweep(3)
    command.submit_until('"event":"absent"')
    assert "tile-run-1" not in service.names()
    decided = command.run("resolve", "sweep.toml", "tile-run-1", "--resend", "--base-url", service.url, "--yes")
    assert decided.status == 0, decided.text
    assert command.submit().status == 0
    assert service.names() == once(3)
    assert command.run("ledger", "check", command.ledger.name).status == 0
