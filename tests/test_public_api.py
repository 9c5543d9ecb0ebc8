"""The public face: what it promises is there, and looking at it costs nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

import batchrun

PACKAGE = Path(batchrun.__file__).parent


def test_the_names_are_sorted_and_each_has_one_home() -> None:
    homes = [name for names in batchrun._HOMES.values() for name in names]
    assert sorted(homes) == sorted(set(homes)) == sorted(batchrun.__all__)


@pytest.mark.parametrize("name", batchrun.__all__)
def test_a_name_can_be_had_and_says_what_it_is(name: str) -> None:
    value = getattr(batchrun, name)
    assert (value.__doc__ or "").strip(), f"{name} has no docstring"


def test_types_are_told_to_type_checkers_too() -> None:
    source = (PACKAGE / "__init__.py").read_text("utf-8")
    assert [name for name in batchrun.__all__ if f"import {name} as {name}\n" not in source] == []
    assert (PACKAGE / "py.typed").exists()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Manifesto'"):
        batchrun.Manifesto  # type: ignore[attr-defined]  # noqa: B018 - looking is the test


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "{'httpx', 'aiohttp', 'pydantic', 'rich', 'typer', 'anyio', 'msgspec'}"
    script = f"import sys, batchrun; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
