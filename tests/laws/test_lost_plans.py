"""Settling needs nothing but the ledger and the service: whatever happened to the plan, what may exist is found."""

import pytest

from tests.laws.command import Command, once
from tests.laws.service import CREATED, HELD_BACK, Service, refusal

TABLE = """
[axes.tile]
file = "tiles.csv"
"""


def tiles(command: Command, count: int) -> None:
    (command.folder / "tiles.csv").write_text("id\n" + "".join(f"{n}\n" for n in range(1, count + 1)))


@pytest.fixture
def crashed(command: Command, service: Service) -> Command:
    """Four runs exist, and the process was killed before it learned of them."""
    command.sweep(4, extra=', "{{env.BUCKET}}"')
    text = (command.folder / "sweep.toml").read_text().replace("{{n}}", "{{tile.id}}")
    (command.folder / "sweep.toml").write_text(text.partition("\n[axes]")[0] + TABLE)
    tiles(command, 4)
    command.environ["BUCKET"] = "acme"
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(4)
    service.act = lambda _: CREATED
    return command


def lose_data_file(command: Command) -> None:
    (command.folder / "tiles.csv").unlink()


def change_data_file(command: Command) -> None:
    tiles(command, 3)


def lose_manifest(command: Command) -> None:
    (command.folder / "sweep.toml").unlink()


def lose_variable(command: Command) -> None:
    del command.environ["BUCKET"]


def change_variable(command: Command) -> None:
    command.environ["BUCKET"] = "other"


@pytest.mark.parametrize(
    ("harm", "status"),
    [(lose_data_file, 2), (change_data_file, 4), (lose_manifest, 0), (lose_variable, 2), (change_variable, 4)],
)
def test_what_may_exist_is_found_whatever_happened_to_the_plan(
    crashed: Command, service: Service, harm: object, status: int
) -> None:
    assert callable(harm)
    harm(crashed)
    ended = crashed.resume()
    assert "Traceback" not in ended.text
    assert ended.status == status, ended.text
    assert crashed.ledger.read_text().count('"event":"submitted"') == 4
    assert service.names() == once(4)


def test_a_changed_sweep_is_refused_and_what_may_exist_is_found_first(crashed: Command, service: Service) -> None:
    tiles(crashed, 5)
    refused = crashed.submit()
    assert refused.status == 4
    assert "1 new, 0 removed, 4 already submitted" in refused.text
    assert service.names() == once(4)
    assert crashed.submit("--extend").status == 0
    assert service.names() == once(5)


def test_runs_that_are_not_at_the_service_are_counted_as_well(crashed: Command, service: Service) -> None:
    del service.runs[0]
    tiles(crashed, 5)
    refused = crashed.submit()
    assert "3 runs found; 1 run not at the service; 0 runs still unknown" in refused.text


def test_rerun_says_how_pending_runs_are_sent(command: Command, service: Service) -> None:
    command.sweep(2)
    service.act = lambda _: refusal(401)
    assert command.submit().status == 3
    ended = command.run("rerun", "sweep.toml", "--base-url", service.url, "--yes")
    assert ended.status == 0
    assert "no run matches" in ended.text
    assert "to send 2 pending runs: batchrun resume" in ended.text
