"""Sweeps that change between sessions: what was created stays known, and what is unknown is settled first."""

import json

from tests.laws.command import Command, once, supported
from tests.laws.service import CREATED, HELD_BACK, Service


def test_a_sweep_cut_short_and_widened_again_creates_nothing_twice(command: Command, service: Service) -> None:
    for last in (10, 4, 10):
        command.sweep(last)
        ended = command.submit("--extend")
        assert service.names() == once(10)
        assert ended.status == 0, ended.err
    checked = command.run("ledger", "check", str(command.ledger))
    assert (checked.status, checked.err) == (0, "")


def test_status_names_the_runs_that_exist_and_left_the_plan(command: Command, service: Service) -> None:
    for last in (5, 3):
        command.sweep(last)
        assert command.submit("--extend").status == 0
    assert "left plan: 2 submitted" in command.run("status", command.ledger.name).text
    ended = command.run("status", command.ledger.name, "--gone", "--json")
    ids = {run.name: run.run_id for run in service.runs}
    assert {run["name"]: run["run_id"] for run in json.loads(ended.out)["gone_runs"]} == {
        name: ids[name] for name in ("tile-run-4", "tile-run-5")
    }
    shown = command.run("status", command.ledger.name, "--gone").text
    assert all(ids[name] in shown for name in ("tile-run-4", "tile-run-5"))
    command.sweep(5)
    assert command.submit("--extend").status == 0
    assert "left plan" not in command.run("status", command.ledger.name).text


def test_a_ledger_compacted_while_runs_are_out_of_the_plan_still_knows_them(command: Command, service: Service) -> None:
    for last in (10, 4):
        command.sweep(last)
        assert command.submit("--extend").status == 0
    assert command.run("ledger", "compact", str(command.ledger)).status == 0
    command.sweep(10)
    ended = command.submit("--extend")
    assert service.names() == once(10)
    assert ended.status == 0, ended.err


def test_a_ledger_in_which_an_earlier_version_created_runs_twice_does_not_pass_the_check(
    command: Command, service: Service
) -> None:
    """Version 0.1 forgot what left the plan, and created it again when it came back."""
    command.sweep(3)
    assert command.submit().status == 0
    first, *events = command.ledger.read_text().splitlines()
    batch = json.loads(first) | {"batchrun": "0.1.0"}
    key = next(json.loads(line)["key"] for line in events if '"tile-run-3"' in line)
    narrower, wider = batch | {"runs": 2, "gone": [key]}, batch
    again = {"at": batch["at"], "key": key, "n": 1}
    more = [
        narrower,
        wider,
        {"event": "attempt"} | again,
        {"event": "submitted"} | again | {"run_id": "run-99999", "name": "tile-run-3"},
    ]
    command.ledger.write_text("\n".join([json.dumps(batch), *events, *map(json.dumps, more)]) + "\n")
    checked = command.run("ledger", "check", command.ledger.name)
    assert checked.status == 4
    assert "which is submitted already" in checked.text
    assert command.submit().status == 0
    assert service.names() == once(3)


def test_points_created_with_another_setting_are_created_again_only_with_recreate(
    command: Command, service: Service
) -> None:
    command.sweep(5)
    assert command.submit().status == 0
    command.sweep(6, runtime="small")
    for flags in ((), ("--extend",)):
        refused = command.submit(*flags)
        assert service.names() == once(5)
        assert refused.status == 4
        told = "5 of these points were already created with a different payload, and would run and be billed again"
        assert told in refused.text
        assert "--recreate" in refused.text
    recreated = command.submit("--extend", "--recreate")
    assert service.names() == {f"tile-run-{n}": 2 for n in range(1, 6)} | {"tile-run-6": 1}
    assert recreated.status == 0, recreated.err


def test_new_points_beside_created_ones_need_no_recreate(command: Command, service: Service) -> None:
    command.sweep(3)
    assert command.submit().status == 0
    command.sweep(5)
    assert command.submit().status == 4
    assert service.names() == once(3)
    assert command.submit("--extend").status == 0
    assert service.names() == once(5)


def test_unknown_runs_are_found_although_an_environment_value_changed(command: Command, service: Service) -> None:
    command.sweep(6, extra=', "{{env.TOKEN}}"')
    service.act = lambda _: HELD_BACK
    command.environ["TOKEN"] = "first"
    command.submit_and_kill(6)
    service.act = lambda _: CREATED
    command.environ["TOKEN"] = "second"
    ended = command.submit("--extend")
    assert service.names() == once(6)
    assert ended.status == 0, ended.err


def test_unknown_runs_that_left_the_plan_are_settled_before_new_ones_are_sent(
    command: Command, service: Service
) -> None:
    command.sweep(4)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(4)
    service.act = lambda _: CREATED
    command.sweep(2)
    assert command.submit("--extend").status == 0
    assert service.names() == once(4)
    command.sweep(4)
    ended = command.submit("--extend")
    assert service.names() == once(4)
    assert ended.status == 0, ended.err


def test_points_whose_setting_changed_while_they_were_unknown_are_not_created_again(
    command: Command, service: Service
) -> None:
    command.sweep(4)
    service.act = lambda _: HELD_BACK
    command.submit_and_kill(4)
    service.act = lambda _: CREATED
    command.sweep(4, runtime="small")
    refused = command.submit("--extend")
    assert service.names() == once(4)
    assert refused.status == 4
    assert "already created with a different payload" in refused.text
    recreated = command.submit("--extend", *supported("--recreate"))
    assert service.names() == {f"tile-run-{n}": 2 for n in range(1, 5)}
    assert recreated.status == 0, recreated.err
