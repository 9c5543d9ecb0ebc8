"""The import contracts in pyproject.toml leave out no module."""

import ast
import fnmatch
import re
import tomllib
from pathlib import Path
from typing import Any

import batchrun

PACKAGE = Path(batchrun.__file__).parent
ROOT = PACKAGE.parent
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
    "contracts"
]
LAYERS = [contract for contract in CONTRACTS if contract["type"] == "layers"]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def named(name: str) -> dict[str, Any]:
    (contract,) = (contract for contract in CONTRACTS if contract["name"] == name)
    return contract


def test_every_room_has_a_contract() -> None:
    rooms = {module_name(path) for path in PACKAGE.rglob("__init__.py")}
    layered = {container for contract in LAYERS for container in contract["containers"]}
    commands = named("a file for each command")["modules"]
    assert rooms - layered == {pattern.removesuffix(".*") for pattern in commands}


def test_every_module_of_a_room_is_in_a_layer() -> None:
    assert [contract["name"] for contract in LAYERS if not contract.get("exhaustive")] == []
    assert [contract["name"] for contract in LAYERS if "(" in "".join(contract["layers"])] == []


def test_every_module_that_says_it_is_pure_is_checked() -> None:
    patterns = named("decisions are pure")["source_modules"]
    pure = {
        module_name(path)
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bPure\b", ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
    }
    assert len(pure) > 30
    assert [name for name in sorted(pure) if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns)] == []


def test_the_emulator_may_import_only_the_wire_models() -> None:
    forbidden = set(
        named("the emulator shares the wire models with the client, and no other code")["forbidden_modules"]
    )
    modules = {module_name(path) for path in (PACKAGE / "wherobots").glob("*.py")} - {"batchrun.wherobots"}
    models = {"enums", "organization", "payload", "settings", "usage", "views"}
    assert modules - forbidden == {f"batchrun.wherobots.{name}" for name in models}
