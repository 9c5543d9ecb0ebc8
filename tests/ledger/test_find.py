"""The ledger that a path means: its own path, or that of its sweep."""

import os
from pathlib import Path

import pytest

from batchrun.errors import LedgerError
from batchrun.ledger.find import find_ledger, find_ledgers

PLAN = '{"batchrun_plan": 1}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str, text: str = "{}\n") -> None:
    for name in names:
        Path(name).write_text(text)


def refusal(path: str, *, emulator: bool = False) -> str:
    with pytest.raises(LedgerError) as refused:
        find_ledger(Path(path), emulator=emulator)
    return str(refused.value)


@pytest.mark.usefixtures("folder")
class TestFinding:
    """In an empty folder."""

    def test_a_manifest_means_the_ledger_beside_it_even_when_it_is_gone(self) -> None:
        write("sweep.ledger.jsonl")
        assert find_ledger(Path("sweep.toml")) == Path("sweep.ledger.jsonl")

    def test_a_plan_is_told_from_a_ledger_with_a_free_name_by_how_it_begins(self) -> None:
        write("sweep.ledger.jsonl", "mine.jsonl")
        write("sweep.jsonl", text=PLAN)
        found = [find_ledger(Path(name)) for name in ("sweep.jsonl", "mine.jsonl", "sweep.ledger.jsonl")]
        assert found == [Path("sweep.ledger.jsonl"), Path("mine.jsonl"), Path("sweep.ledger.jsonl")]

    def test_a_file_of_any_name_that_has_a_ledger_is_a_sweep(self) -> None:
        write("sweep.txt", "other.txt", "sweep.ledger.jsonl")
        assert [find_ledger(Path(name)) for name in ("sweep.txt", "other.txt")] == [
            Path("sweep.ledger.jsonl"),
            Path("other.txt"),
        ]

    def test_the_emulators_ledger_is_another_one(self) -> None:
        write("sweep.toml", "sweep.emulator.ledger.jsonl")
        assert find_ledger(Path("sweep.toml"), emulator=True) == Path("sweep.emulator.ledger.jsonl")
        assert "only to the emulator" in refusal("sweep.toml")
        assert "add --emulator" in refusal("sweep.toml")
        os.rename("sweep.emulator.ledger.jsonl", "sweep.ledger.jsonl")  # noqa: PTH104 - shorter
        assert "omit --emulator" in refusal("sweep.toml", emulator=True)

    def test_a_sweep_without_one_is_to_be_submitted_first(self) -> None:
        write("sweep.toml")
        assert "run batchrun submit sweep.toml first" in refusal("sweep.toml")
        assert "run batchrun submit sweep.toml --emulator first" in refusal("sweep.toml", emulator=True)

    def test_a_misspelt_path_is_answered_with_the_closest_name(self) -> None:
        write("sweep.toml", "notes.md", "swep2.tom")
        assert "did you mean sweep.toml?" in refusal("swep2.toml")
        assert "did you mean" not in refusal("unlike.toml")
        assert "no such file" in refusal("missing/sweep.toml")

    def test_each_ledger_is_there_once_in_the_order_of_the_paths(self) -> None:
        write("a.ledger.jsonl", "b.ledger.jsonl")
        found = find_ledgers(map(Path, ("b.toml", "a.toml", "b.ledger.jsonl")))
        assert found == (Path("b.ledger.jsonl"), Path("a.ledger.jsonl"))

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no pipes")
    def test_a_pipe_is_not_read_to_find_out(self) -> None:
        os.mkfifo("pipe.jsonl")
        assert find_ledger(Path("pipe.jsonl")) == Path("pipe.jsonl")
