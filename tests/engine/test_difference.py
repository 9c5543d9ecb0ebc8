from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.batch import new_batch
from batchrun.engine.preflight.difference import CreatedPoints, changed_files, difference, is_changed
from batchrun.ledger.events import AttemptEvent, FileDigest, SubmittedEvent
from batchrun.ledger.fold import BatchState, fold
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from tests.engine.service import SWEEP, plan_of
from tests.ledger.test_fold import AT

URL = "https://api.example.com"


def keys(plan: Iterable[object]) -> list[str]:
    return [getattr(run, "key", "") for run in plan]


def state_of(plan: Plan, *, submitted: Iterable[str] = (), unknown: Iterable[str] = ()) -> BatchState:
    state = fold(BatchState(), new_batch(plan, URL))
    for key in [*submitted, *unknown]:
        fold(state, AttemptEvent(at=AT, key=key, n=1))
    for key in submitted:
        fold(state, SubmittedEvent(at=AT, key=key, n=1, run_id=f"id-{key}", name=key))
    return state


def test_a_plan_does_not_differ_from_itself() -> None:
    plan = plan_of(3)
    found = difference(plan, state_of(plan), set(keys(plan)))
    assert (found.new, found.gone, found.submitted, found.files, found.is_same) == (0, 0, 0, (), True)


def test_new_and_removed_runs_are_counted_by_key() -> None:
    before, after = plan_of(5), plan_of(3)
    first, second, *_, fifth = keys(before)
    state = state_of(before, submitted=[first, second, fifth])
    grown = difference(before, state_of(after, submitted=[first]), set(keys(after)))
    shrunk = difference(after, state, set(keys(before)))
    assert (grown.new, grown.gone, grown.submitted, grown.is_same) == (2, 0, 1, False)
    assert grown.new_names == ("tile-run-4", "tile-run-5")
    assert (shrunk.new, shrunk.gone, shrunk.submitted) == (0, 2, 2)
    assert set(shrunk.gone_keys) == set(keys(before)[3:])


def test_points_that_were_created_under_another_payload_are_counted_apart() -> None:
    before = plan_of(3)
    after = build_plan(
        Manifest.parse(SWEEP.replace("LAST", "5").replace("tiny", "small"), name="tiles", directory="."), environ={}
    )
    first, second, _ = before
    created = CreatedPoints(names={first.name}, points={first.point_json, second.point_json})
    found = difference(after, state_of(before, submitted=[first.key, second.key]), set(keys(before)), created=created)
    assert (found.new, found.recreated) == (5, 2)
    assert difference(before, state_of(before, submitted=[first.key]), created=created).recreated == 1


def test_without_the_earlier_plan_only_what_was_attempted_is_known() -> None:
    before, after = plan_of(5), plan_of(3)
    state = state_of(before, submitted=[keys(before)[0], keys(before)[4]])
    found = difference(after, state)
    assert (found.new, found.gone, found.submitted) == (2, 1, 1)


def test_a_sentence_shows_the_numbers_and_a_few_names() -> None:
    found = difference(plan_of(5), state_of(plan_of(1)), set(keys(plan_of(1))))
    assert found.describe() == ("4 new, 0 removed, 0 already submitted (new: tile-run-2, tile-run-3, tile-run-4, ...)")
    assert difference(plan_of(1), state_of(plan_of(5)), set(keys(plan_of(5)))).describe() == (
        "0 new, 4 removed, 0 already submitted"
    )


def test_a_large_difference_keeps_a_few_names_only() -> None:
    found = difference(plan_of(500), BatchState())
    assert found.new == 500
    assert len(found.new_names) == 10


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_what_is_new_and_gone_accounts_for_both_plans(before: int, after: int, data: st.DataObject) -> None:
    old, new = plan_of(before), plan_of(after)
    submitted = data.draw(st.lists(st.sampled_from(keys(old)), unique=True))
    found = difference(new, state_of(old, submitted=submitted), set(keys(old)))
    assert before - found.gone == after - found.new
    assert found.submitted == len(set(submitted) & set(keys(new)))


def with_bucket(bucket: str) -> Plan:
    text = SWEEP.replace("LAST", "2").replace('"--tile", ', '"--bucket", "{{env.BUCKET}}", ')
    environ = {"BUCKET": bucket}
    return build_plan(Manifest.parse(text, name="tiles", directory=".", environ=environ), environ=environ)


def test_another_environment_value_changes_the_batch_although_no_key_changes() -> None:
    before, after = with_bucket("a"), with_bucket("b")
    assert keys(before) == keys(after)
    batch = new_batch(before, URL)
    assert not is_changed(before, batch)
    assert is_changed(after, batch)
    assert changed_files(after, batch) == ("env.BUCKET",)
    assert "changed: env.BUCKET" in difference(after, state_of(before), set(keys(before))).describe()


@pytest.mark.parametrize("runs", [2, 4])
def test_other_runs_change_the_batch(runs: int) -> None:
    assert is_changed(plan_of(runs), new_batch(plan_of(3), URL))


def test_a_data_file_that_reads_differently_and_gives_the_same_runs_changes_nothing() -> None:
    plan = plan_of(3)
    noted = FileDigest("tiles.csv", "0" * 64)
    batch = msgspec.structs.replace(new_batch(plan, URL), files=[noted])
    assert not is_changed(plan, batch)
    assert changed_files(plan, None) == ()
