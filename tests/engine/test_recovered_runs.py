"""Which listed runs are a plan's when no ledger says so."""

import json
from typing import Any

import pytest

from batchrun.engine.reconciling.recovered_runs import RecoveredRuns
from batchrun.ledger.clock import timestamp
from batchrun.sweep.plan import PlannedRun
from batchrun.wherobots.summaries import RunSummary
from tests.engine.service import plan_of

PLAN = plan_of(3)
FIRST, SECOND, THIRD = PLAN
SINCE_S = 1_800_000_000.0


def listed(run: PlannedRun, run_id: str, *, at_s: float = SINCE_S + 1, **changes: Any) -> RunSummary:
    told: dict[str, Any] = {
        "name": run.name,
        "create_time": timestamp(at_s),
        "payload": json.loads(run.body),
        **changes,
    }
    return RunSummary(id=run_id, status="RUNNING", **told)


def claims(*runs: RunSummary, since_s: float | None = None, incomplete: tuple[str, ...] = ()) -> dict[str, str]:
    """The id that each planned run would get, or the doubt about it."""
    found = RecoveredRuns(PLAN, since_s=since_s)
    for run in runs:
        found.take(run)
    return {
        claim.planned.name: claim.doubt or ",".join(run.run_id for run in claim.runs)
        for claim in found.claims(incomplete)
    }


def test_exactly_one_run_that_fits_is_taken() -> None:
    assert claims(listed(FIRST, "r1"), listed(SECOND, "r2")) == {FIRST.name: "r1", SECOND.name: "r2"}


def test_a_run_that_is_listed_on_two_pages_is_one() -> None:
    assert claims(listed(FIRST, "r1"), listed(FIRST, "r1")) == {FIRST.name: "r1"}


def test_more_than_one_that_fits_is_for_a_person_to_decide() -> None:
    found = claims(listed(FIRST, "r2", at_s=SINCE_S + 9), listed(FIRST, "r1"))
    assert found == {FIRST.name: "more than one run matches: r1, r2"}


def test_one_that_fits_beside_one_that_does_not_is_taken() -> None:
    assert claims(listed(FIRST, "r1"), listed(FIRST, "r0", payload={"runtime": "large"})) == {FIRST.name: "r1"}


@pytest.mark.parametrize("run_id", ["r1", "../r1"])
def test_what_does_not_fit_is_not_taken(run_id: str) -> None:
    assert claims(listed(FIRST, run_id, payload={})) == {FIRST.name: f"the payload differs: {run_id}"}


def test_an_id_that_cannot_be_kept_is_not_taken() -> None:
    assert claims(listed(FIRST, "a/b" * 30)) == {FIRST.name: f"the payload differs: {('a/b' * 30)[:40]}"}


def test_one_id_under_two_names_is_neithers() -> None:
    found = claims(listed(FIRST, "r1"), listed(SECOND, "r1"))
    assert found == dict.fromkeys([FIRST.name, SECOND.name], "its id is listed under several names: r1")


def test_runs_from_before_are_left_alone() -> None:
    runs = [listed(FIRST, "r0", at_s=SINCE_S - 1), listed(FIRST, "r1"), listed(SECOND, "r2", at_s=SINCE_S - 1)]
    assert claims(*runs, since_s=SINCE_S) == {FIRST.name: "r1"}
    assert claims(*runs) == {FIRST.name: "more than one run matches: r0, r1", SECOND.name: "r2"}


def test_a_run_of_which_nobody_knows_when_it_was_created_is_doubtful_where_that_matters() -> None:
    run = listed(FIRST, "r1", create_time="yesterday")
    assert claims(run) == {FIRST.name: "r1"}
    assert FIRST.name in claims(run, since_s=SINCE_S)
    assert claims(run, since_s=SINCE_S)[FIRST.name] != "r1"


def test_a_name_whose_list_is_incomplete_is_doubtful_unless_it_is_found() -> None:
    found = claims(listed(FIRST, "r1"), incomplete=(FIRST.name, SECOND.name))
    assert found == {FIRST.name: "r1", SECOND.name: "it may exist, but the list of its name is incomplete"}


def test_reruns_belong_to_the_run_whose_name_they_have() -> None:
    rerun = [listed(FIRST, f"r{n}", name=f"{FIRST.name}-r{n}", payload={"runtime": "large"}) for n in (2, 3)]
    assert claims(listed(FIRST, "r1"), *rerun) == {FIRST.name: "r1,r2,r3"}
    keyed = listed(FIRST, "r2", name=f"{FIRST.name[:6]}-{FIRST.key}-r2")
    assert claims(listed(FIRST, "r1"), keyed) == {FIRST.name: "r1,r2"}
    assert claims(rerun[0]) == {FIRST.name: "a rerun is listed, but the run before it is not: r2"}
    assert claims(listed(FIRST, "r1"), rerun[1])[FIRST.name].startswith("a rerun is listed")


def test_what_follows_a_doubtful_run_is_known_and_doubtful_too() -> None:
    odd, rerun = listed(FIRST, "r1", payload={}), listed(FIRST, "r2", name=f"{FIRST.name}-r2")
    assert claims(odd, rerun) == {FIRST.name: f"the payload differs: r1; rerun as {FIRST.name}-r2: r2"}
    found = RecoveredRuns(PLAN, since_s=None)
    for run in (listed(FIRST, "r1"), rerun, listed(FIRST, "r3", name=f"{FIRST.name}-r2")):
        found.take(run)
    (claim,) = found.claims(())
    assert ([run.run_id for run in claim.runs], claim.generation, claim.name) == (["r1"], 2, f"{FIRST.name}-r2")
    assert claim.doubtful_ids == ("r2", "r3")


def test_other_names_are_nobodys_business() -> None:
    runs = [RunSummary(id="r", name=name) for name in ("tile-run-99", "tile-run-1-r1", "tile-run-1-rx", None, "")]
    found = RecoveredRuns(PLAN, since_s=None)
    for run in runs:
        found.take(run)
    assert found.is_empty
    assert found.missing() == {run.name for run in PLAN}
    assert "tile-run-1-r2" in found
    assert "tile-run-1-r1" not in found


def test_a_flood_of_runs_of_one_name_is_bounded() -> None:
    found = RecoveredRuns(PLAN, since_s=None)
    for number in range(1000):
        found.take(listed(FIRST, f"r{number}"))
    (claim,) = found.claims(())
    assert len(claim.doubtful_ids) <= 20
    assert claim.doubt.count(",") < 10
