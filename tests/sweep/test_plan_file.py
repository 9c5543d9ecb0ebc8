"""Every line of a plan file is checked; damage is reported with its line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchrun.errors import ManifestError, PlanChangedError, UsageError
from batchrun.files import LONGEST_LINE_BYTES
from batchrun.sweep.plan import read_plan, write_plan
from tests.sweep.conftest import Planner, sweep

Edit = Callable[[list[str]], list[str]]


@pytest.fixture
def written(planned: Planner, tmp_path: Path) -> Path:
    """A plan file of three runs."""
    path = tmp_path / "plan.jsonl"
    write_plan(planned(sweep("[axes]\na = [1, 2, 3]\n", args='["{{a}}"]')), path)
    return path


def with_line(number: int, **changed: Any) -> Edit:
    def edit(lines: list[str]) -> list[str]:
        lines[number] = json.dumps({**json.loads(lines[number]), **changed}) + "\n"
        return lines

    return edit


DAMAGE: dict[str, tuple[Edit, str]] = {
    "cut off": (lambda lines: lines[:-1], ": 2 runs, but its first line says 3"),
    "torn": (lambda lines: [*lines[:-1], lines[-1][:40]], ":4: not a planned run: "),
    "a run twice": (lambda lines: [*lines[:-1], lines[1]], ":4: the name 'sweep-015abd7f5c' appears twice"),
    "another region": (with_line(2, region="eu"), ":3: the key does not match the payload"),
    "no region": (with_line(2, region=""), ":3: no region"),
    "another payload": (with_line(2, payload={"runtime": "tiny", "name": "short"}), ":3: payload.name: "),
    "another version": (with_line(0, batchrun_plan=2), ":1: plan version 2 is not supported"),
    "no header": (lambda lines: lines[1:], ":1: not the first line of a plan"),
    "nothing": (lambda _: [], ":1: not the first line of a plan"),
    "a list": (lambda lines: ["[]\n", *lines[1:]], ":1: not the first line of a plan"),
}


@pytest.mark.parametrize(("edit", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_reported_with_its_line(edit: Edit, message: str, written: Path) -> None:
    lines = written.read_text("utf-8").splitlines(keepends=True)
    written.write_text("".join(edit(lines)), "utf-8")
    with pytest.raises(ManifestError) as caught:
        read_plan(written)
    assert caught.value.problems[0].text().startswith(f"{written}{message}")


def test_a_plan_with_unresolved_environment_is_not_sent(planned: Planner, tmp_path: Path) -> None:
    write_plan(planned(sweep("", args='["{{env.TOKEN}}"]')), tmp_path / "plan.jsonl")
    with pytest.raises(ManifestError, match=r"unresolved <env\.NAME>.*submit the manifest itself"):
        read_plan(tmp_path / "plan.jsonl")


def test_a_path_that_cannot_be_written_is_reported(planned: Planner, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_plan(planned(sweep("")), tmp_path / "nowhere" / "plan.jsonl")


class TestChanged:
    """A plan that is too large to be kept is read again; it must then be the same file."""

    @pytest.fixture
    def path(self, planned: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr("batchrun.sweep.tally.KEPT_RUNS", 2)
        path = tmp_path / "plan.jsonl"
        write_plan(
            planned(sweep("[axes]\nn = { from = 1, to = 900 }\n", args='["{{n}}"]', name="changing-{{n}}")), path
        )
        return path

    def test_it_is_read_again_and_again(self, path: Path) -> None:
        plan = read_plan(path)
        assert [run.name for run in plan] == [run.name for run in plan]
        assert len(list(plan)) == 900

    def test_replaced(self, path: Path) -> None:
        plan, other = read_plan(path), path.with_name("other")
        other.write_bytes(path.read_bytes())
        other.replace(path)
        with pytest.raises(PlanChangedError, match="changed while it was in use; restore it, then resume"):
            list(plan)

    def test_removed(self, path: Path) -> None:
        plan = read_plan(path)
        path.unlink()
        with pytest.raises(PlanChangedError, match="can no longer be read: No such file"):
            list(plan)

    def test_written_to_while_it_is_read(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("batchrun.sweep.plan_file.BLOCK_BYTES", 1000)
        plan = read_plan(path)
        runs = iter(plan)
        first = next(runs)
        with path.open("ab") as file:
            file.write(b"\n")
        with pytest.raises(PlanChangedError):
            list(runs)
        assert first.name == "changing-1"

    def test_a_smaller_one_is_read_once(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        plan = read_plan(path)
        path.unlink()
        assert len(list(plan)) == 900


def test_deeply_nested_lines_are_reported(planned: Planner, tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    write_plan(planned(sweep("")), path)
    first = path.read_text().splitlines()[0]
    for text in (f"{first}\n" + '{"payload":' + "[" * 200_000 + "\n", '{"batchrun_plan":' + "[" * 200_000 + "\n"):
        path.write_text(text)
        with pytest.raises(ManifestError):
            read_plan(path)


def test_a_hole_of_gigabytes_is_an_error_of_its_line(written: Path) -> None:
    with written.open("r+b") as file:
        file.truncate(LONGEST_LINE_BYTES + 1000)
    with pytest.raises(ManifestError, match=r"plan\.jsonl:5: not a planned run"):
        list(read_plan(written))
