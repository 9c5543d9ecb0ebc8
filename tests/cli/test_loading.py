"""What is imported only when it is needed."""

import re
import sys
from pathlib import Path

import pytest

from batchrun.cli import app
from batchrun.cli.loading import load, load_extra
from batchrun.errors import UsageError

LAZY_NAME = re.compile(r'"(batchrun\.[\w.]+:\w+)"')
LAZY_NAMES = sorted(
    {name for path in Path(app.__file__).parent.rglob("*.py") for name in LAZY_NAME.findall(path.read_text("utf-8"))}
)


@pytest.mark.parametrize("name", LAZY_NAMES)
def test_every_name_that_is_loaded_lazily_exists(name: str) -> None:
    assert load(name) is not None


def test_lazy_names_include_every_command_and_the_emulator() -> None:
    assert {location for location, _ in app.COMMANDS.values()} < set(LAZY_NAMES)
    assert any(name.startswith("batchrun.emulator.") for name in LAZY_NAMES)


def test_a_missing_package_of_an_extra_is_reported_with_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "batchrun.emulator.http.server", raising=False)
    with pytest.raises(
        UsageError,
        match=r"--emulator: requires the package uvicorn, which is not installed; pip install fastapi httptools starlette uvicorn",
    ):
        load_extra("batchrun.emulator.http.server:EmulatorServer", extra="emulator", wanted_by="--emulator")


def test_a_missing_module_of_our_own_is_a_bug_and_not_a_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError):
        load_extra("batchrun.nowhere:Nothing", extra="emulator", wanted_by="--emulator")
