"""A batch as its first line: everything that is needed to make its plan again."""

import shutil
from pathlib import Path

import pytest

from batchrun.engine.batch import earlier_keys, extended_batch, new_batch, plan_of
from batchrun.errors import ManifestError
from batchrun.ledger.events import AttemptEvent, BatchEvent, Event
from batchrun.ledger.fold import BatchState, Outcome, fold
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan, read_plan, write_plan
from tests.engine.service import SWEEP
from tests.ledger.test_fold import AT

URL = "https://api.example.com"
TILES = SWEEP.replace("n = { from = 1, to = LAST }", 'n = { file = "tiles.csv" }').replace("{{n}}", "{{n.id}}")
ENVIRON = {"BUCKET": "b"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sweep over the lines of a data file."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "tiles.csv").write_text("id\n11\n12\n13\n")
    (folder / "tiles.toml").write_text(TILES)
    return folder


def plan_in(folder: Path) -> Plan:
    return build_plan(Manifest.load(folder / "tiles.toml"), environ=ENVIRON)


def ledger_in(folder: Path) -> Path:
    return folder / "tiles.ledger.jsonl"


def state_of(batch: BatchEvent, *events: Event) -> BatchState:
    state = BatchState()
    for event in (batch, *events):
        fold(state, event)
    return state


def attempted(key: str) -> AttemptEvent:
    return AttemptEvent(at=AT, key=key, n=1)


def test_a_new_batch_names_its_plan_its_service_and_its_files(folder: Path) -> None:
    plan = plan_in(folder)
    batch = new_batch(plan, URL)
    assert (batch.name, batch.runs, batch.plan_sha256, batch.base_url) == ("tiles", 3, plan.sha256, URL)
    assert (batch.manifest, batch.directory, batch.plan_file) == (TILES, str(folder), None)
    assert [Path(file.path).name for file in batch.files] == ["tiles.csv"]
    assert batch.gone == []


def test_two_batches_of_one_plan_are_two_batches(folder: Path) -> None:
    plan = plan_in(folder)
    assert new_batch(plan, URL).batch_id != new_batch(plan, URL).batch_id


def test_an_extended_batch_stays_the_same_batch_and_names_the_known_runs_that_are_gone(folder: Path) -> None:
    before = plan_in(folder)
    first, second, _ = before
    state = state_of(new_batch(before, URL), attempted(first.key), attempted(second.key))
    (folder / "tiles.csv").write_text("id\n12\n13\n14\n15\n")
    assert state.batch is not None
    extended = extended_batch(plan_in(folder), state, "https://other.example.com")
    assert extended.batch_id == state.batch.batch_id
    assert (extended.runs, extended.base_url) == (4, "https://other.example.com")
    assert extended.gone == [first.key]
    fold(state, extended)
    assert {key: run.is_planned for key, run in state.runs.items()} == {first.key: False, second.key: True}
    assert sum(state.count(outcome) for outcome in Outcome) == 4
    assert state.gone[Outcome.UNKNOWN] == 1


def test_the_plan_is_made_again_from_the_ledger_alone(folder: Path) -> None:
    plan = plan_in(folder)
    batch = new_batch(plan, URL)
    (folder / "tiles.toml").unlink()
    again = plan_of(batch, ledger_in(folder), ENVIRON)
    assert again.sha256 == plan.sha256
    assert list(again) == list(plan)


def test_data_files_that_moved_with_the_ledger_are_found(folder: Path, tmp_path: Path) -> None:
    plan = plan_in(folder)
    batch = new_batch(plan, URL)
    moved = tmp_path / "elsewhere"
    shutil.move(folder, moved)
    assert plan_of(batch, ledger_in(moved), ENVIRON).sha256 == plan.sha256


def test_a_plan_whose_data_file_is_gone_cannot_be_made_again(folder: Path) -> None:
    batch = new_batch(plan_in(folder), URL)
    (folder / "tiles.csv").unlink()
    with pytest.raises(ManifestError, match=r"tiles\.csv"):
        plan_of(batch, ledger_in(folder), ENVIRON)
    assert earlier_keys(state_of(batch), ledger_in(folder), ENVIRON) is None


def test_a_plan_file_is_read_again_also_when_it_moved_with_the_ledger(folder: Path, tmp_path: Path) -> None:
    write_plan(plan_in(folder), folder / "plan.jsonl")
    plan = read_plan(folder / "plan.jsonl")
    batch = new_batch(plan, URL)
    assert (batch.manifest, batch.plan_file) == (None, str(folder / "plan.jsonl"))
    runs = list(plan)
    assert list(plan_of(batch, ledger_in(folder), {})) == runs
    moved = tmp_path / "elsewhere"
    shutil.move(folder, moved)
    assert list(plan_of(batch, ledger_in(moved), {})) == runs


def test_standard_input_is_kept_since_nothing_else_keeps_it(folder: Path) -> None:
    text = TILES.replace('"tiles.csv"', '"-"')
    manifest = Manifest.parse(text, name="tiles", directory=folder, stdin=b'{"id": 21}\n')
    plan = build_plan(manifest, environ={})
    batch = new_batch(plan, URL)
    assert batch.stdin == '{"id": 21}\n'
    assert list(plan_of(batch, ledger_in(folder), {})) == list(plan)


def test_the_keys_of_the_earlier_plan_are_known_while_its_files_are_as_they_were(folder: Path) -> None:
    plan = plan_in(folder)
    state = state_of(new_batch(plan, URL))
    assert earlier_keys(state, ledger_in(folder), ENVIRON) == {run.key for run in plan}
    (folder / "tiles.csv").write_text("id\n11\n12\n")
    assert earlier_keys(state, ledger_in(folder), ENVIRON) is None


def test_a_ledger_without_a_batch_has_no_earlier_plan(folder: Path) -> None:
    assert earlier_keys(BatchState(), ledger_in(folder), ENVIRON) is None


def test_environment_values_are_never_written_only_their_digests(folder: Path) -> None:
    text = TILES.replace('"--tile", ', '"--token", "{{env.TOKEN}}", ')
    plan = build_plan(Manifest.parse(text, name="tiles", directory=folder, environ={"TOKEN": "t-o-p"}),
                      environ={"TOKEN": "t-o-p"})  # fmt: skip
    batch = new_batch(plan, URL)
    assert "t-o-p" not in repr(batch)
    assert [digest.name for digest in batch.environment] == ["TOKEN"]
    assert plan.environment == {"TOKEN": "t-o-p"}
    assert "t-o-p" not in repr(plan)
