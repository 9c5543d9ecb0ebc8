"""Sweeps that change between sessions: what was created stays known, and what is unknown is settled first."""

import json

from tests.laws.command import Command, once, supported
from tests.laws.service import CREATED, ERROR, HELD_BACK, Service, refusal


def test_a_sweep_cut_short_and_widened_again_creates_nothing_twice(command: Command, service: Service) -> None:
    for last in (10, 4, 10):
        command.sweep(last)
        ended = command.submit("--extend")
        assert service.names() == once(10)
        assert ended.status == 0, ended.err
    checked = command.run("ledger", "check", str(command.ledger))
    assert (checked.status, checked.err) == (0, "")


def only(command: Command, *tiles: int) -> None:
    """Write a sweep of these tiles alone."""
    command.sweep(1)
    text = (command.folder / "sweep.toml").read_text()
    (command.folder / "sweep.toml").write_text(text.replace("{ from = 1, to = 1 }", str(list(tiles))))


def test_a_small_submit_does_not_hide_that_a_ledger_was_lost(command: Command, service: Service) -> None:
    command.sweep(6)
    assert command.submit().status == 0
    command.ledger.unlink()
    only(command, 100)
    assert command.submit().status == 0
    only(command, *range(1, 7), 100)
    refused = command.submit("--extend")
    assert service.names() == once(6) | {"tile-run-100": 1}
    assert refused.status == 4
    assert command.submit("--extend", "--adopt-existing").status == 0
    assert service.names() == once(6) | {"tile-run-100": 1}


def test_a_small_submit_does_not_hide_that_a_ledger_is_an_older_copy(command: Command, service: Service) -> None:
    command.sweep(4)
    assert command.submit().status == 0
    copy = command.ledger.read_bytes()
    command.sweep(8)
    assert command.submit("--extend").status == 0
    command.ledger.write_bytes(copy)
    only(command, 1, 2, 3, 4, 50)
    assert command.submit("--extend").status == 0
    only(command, *range(1, 9), 50)
    refused = command.submit("--extend")
    assert service.names() == once(8) | {"tile-run-50": 1}
    assert refused.status == 4


def test_a_recovered_ledger_that_is_widened_creates_nothing_twice(command: Command, service: Service) -> None:
    command.sweep(5)
    assert command.submit().status == 0
    command.ledger.unlink()
    command.sweep(2)
    recovered = command.run("recover", "sweep.toml", "--base-url", service.url, "--settle-after", "0.1s")
    assert recovered.status == 0, recovered.err
    only(command, 1, 2, 50)
    assert command.submit("--extend").status == 0
    only(command, *range(1, 6), 50)
    refused = command.submit("--extend")
    assert service.names() == once(5) | {"tile-run-50": 1}
    assert refused.status == 4


def test_a_batch_that_moves_creates_nothing_that_the_other_service_holds(command: Command, service: Service) -> None:
    command.sweep(3)
    assert command.submit().status == 0
    first_ledger = command.ledger.rename(command.folder / "first.jsonl")
    with Service() as other:
        command.service = other
        only(command, 50)
        assert command.submit().status == 0
        command.sweep(3)
        command.service = service
        refused = command.submit("--extend", "--to-another-server")
    assert first_ledger.exists()
    assert service.names() == once(3)
    assert refused.status == 4


def test_an_extended_sweep_asks_nothing_of_runs_that_were_created_again(command: Command, service: Service) -> None:
    """The earlier batch's runs were declared to be another's; those that exist twice are known to this ledger."""
    command.sweep(3)
    assert command.submit().status == 0
    assert command.submit("--ledger", "second.jsonl", *supported("--again")).status == 0
    command.sweep(5)
    ended = command.submit("--ledger", "second.jsonl", "--extend")
    assert ended.status == 0, ended.err
    assert service.names() == {f"tile-run-{n}": 1 + (n <= 3) for n in range(1, 6)}


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


def test_a_point_that_was_found_not_to_exist_counts_as_none_that_was_created(
    command: Command, service: Service
) -> None:
    service.act = lambda post: ERROR if post.name == "tile-run-3" else CREATED
    command.sweep(3)
    command.submit_until('"event":"absent"')
    service.act = lambda _: CREATED
    command.sweep(3, runtime="small")
    refused = command.submit("--extend")
    assert "2 of these points were already created" in refused.text
    assert command.submit("--extend", "--recreate").status == 0
    assert service.names() == {"tile-run-1": 2, "tile-run-2": 2, "tile-run-3": 1}


def test_a_point_that_was_rejected_after_a_conflict_may_be_fixed(command: Command, service: Service) -> None:
    service.act = lambda post: refusal(409 if post.nth == 1 else 422)
    command.sweep(2)
    assert command.submit().status == 1
    service.act = lambda _: CREATED
    command.sweep(2, runtime="small")
    ended = command.submit("--extend")
    assert ended.status == 0, ended.text
    assert service.names() == once(2)
