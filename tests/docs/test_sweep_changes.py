"""Each row of the page about changed sweeps does what it says."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from batchrun.cli import app
from batchrun.cli.exits import ExitStatus

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sweep-changes.md"
SWEEP = """\
version = 1

[run]
name    = "number-{{tile.id}}-{{year}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "./job.py"
args    = ["{{tile.id}}", "{{year}}", "{{env.SOURCE}}"]

[axes]
year = [2021, 2022]

[axes.tile]
file    = "tiles.csv"
columns = ["id"]
where   = { id = { not = "z" } }
"""
FILES = {"sweep.toml": SWEEP, "job.py": "print(1)\n", "tiles.csv": "id,x\na,1\nb,2\nz,3\n"}
CREATED = 4

pytestmark = pytest.mark.e2e


def edit(name: str, old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    def change(_: pytest.MonkeyPatch) -> None:
        text = Path(name).read_text("utf-8")
        assert old in text
        Path(name).write_text(text.replace(old, new), "utf-8")

    return change


def set_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE", "another-value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row of the page."""

    row: str
    do: Callable[[pytest.MonkeyPatch], None]
    flags: tuple[str, ...] = ("--extend",)
    """Without the last of them, nothing is sent."""
    sent: int = 0
    gone: int = 0
    first: Callable[[pytest.MonkeyPatch], None] | None = None
    """A change that was submitted before."""


SHORTER, LONGER = edit("sweep.toml", "[2021, 2022]", "[2021]"), edit("sweep.toml", "[2021]", "[2021, 2022]")
CHANGES = (
    Change(row="a value added to an axis", do=edit("sweep.toml", "2022]", "2022, 2023]"), sent=2),
    Change(row="a value removed, or an exclude added", do=SHORTER, gone=2),
    Change(
        row="a value removed, or an exclude added",
        do=edit("sweep.toml", "[axes.tile]", "[[exclude]]\nyear = 2022\n\n[axes.tile]"),
        gone=2,
    ),
    Change(row="a value put back", first=SHORTER, do=LONGER),
    Change(
        row="a setting of `[run]`, such as `timeout`",
        do=edit("sweep.toml", "[run]", '[run]\ntimeout = "2h"'),
        flags=("--extend", "--recreate"),
        sent=4,
        gone=4,
    ),
    Change(
        row="`[submit]`, `[cost]`",
        do=edit("sweep.toml", "[axes]", "[submit]\nconcurrency = 3\n\n[cost]\nusd_per_unit = 2\n\n[axes]"),
        flags=(),
    ),
    Change(row="a comment or the formatting", do=edit("sweep.toml", "[axes]", "# what varies\n\n[axes]"), flags=()),
    Change(row="a data file, but not the rows that are used", do=edit("tiles.csv", "a,1", "a,10"), flags=()),
    Change(row="rows of a data file", do=edit("tiles.csv", "b,2", "c,2"), sent=2, gone=2),
    Change(row="a value of `{{env.NAME}}`", do=set_variable),
    Change(row="a local script", do=edit("job.py", "1", "2"), flags=("--extend", "--recreate"), sent=4, gone=4),
)


@pytest.fixture
def submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("WHEROBOTS_", "BATCHRUN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SOURCE", "first-value")
    for name, text in FILES.items():
        Path(name).write_text(text, "utf-8")
    assert submit() == ExitStatus.DONE


def submit(*flags: str) -> int:
    return app.run(["submit", "sweep.toml", "--emulator", "--yes", *flags])


@pytest.mark.usefixtures("submitted")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.row)
def test_a_change_does_what_its_row_says(
    change: Change, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if change.first is not None:
        change.first(monkeypatch)
        assert submit("--extend") == ExitStatus.DONE
    change.do(monkeypatch)
    if change.flags:
        assert submit(*change.flags[:-1]) == ExitStatus.LEDGER
    assert submit(*change.flags) == ExitStatus.DONE
    capsys.readouterr()
    app.run(["status", "sweep.toml", "--emulator", "--json"])
    status = json.loads(capsys.readouterr().out)
    assert status["attempts"] == CREATED + change.sent
    assert sum(status["gone"].values()) == change.gone
    assert status["outcomes"]["submitted"] == status["planned"] == CREATED + change.sent - change.gone


def test_every_row_is_tried() -> None:
    rows = set(re.findall(r"^\| ([^|]+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)) - {"you changed"}
    assert rows == {change.row for change in CHANGES}
