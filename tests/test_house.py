"""The shape of the house: where imports may go, and how large a thing may be."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import batchrun

PACKAGE = Path(batchrun.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)
FILES = sorted(path for folder in ("batchrun", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LONGEST_FILE = 300
LONGEST_FUNCTION = 60


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_only_go_down() -> None:
    config = ROOT / "pyproject.toml"
    assert lint_imports(config_filename=str(config), no_cache=True) == 0


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_says_what_it_holds(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_no_file_is_long() -> None:
    lines = {name_of(path): path.read_text("utf-8").count("\n") for path in FILES}
    assert {name: count for name, count in lines.items() if count > longest(name)} == {}


def longest(name: str) -> int:
    """A list of cases may be longer than what it tests."""
    return 400 if name.startswith("tests") else LONGEST_FILE


@pytest.mark.parametrize("path", ROOMS, ids=name_of)
def test_a_room_has_a_docstring_and_imports_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


def test_every_folder_of_modules_is_a_room() -> None:
    assert sorted({path.parent for path in MODULES} - {PACKAGE}) == [path.parent for path in ROOMS]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_fits_a_screen(path: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, FUNCTIONS)]
    assert [f.name for f in functions if (f.end_lineno or 0) - f.body[0].lineno >= LONGEST_FUNCTION] == []


@pytest.mark.parametrize("path", sorted({*MODULES} - {*ROOMS, PACKAGE / "__main__.py"}), ids=name_of)
def test_a_module_names_what_it_offers(path: Path) -> None:
    body = ast.parse(path.read_text("utf-8")).body
    assert any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in body)


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony
    assert re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE) == phony[1].split()


INSTALL = re.compile(r"\binstall\b[^\n]*?['\" ](batchrun(?!-wherobots)[\w.-]*(?:\[[^\]\n]*\])?)['\" \n]")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")]


@pytest.mark.parametrize("path", [*MODULES, *PAGES], ids=name_of)
def test_nobody_is_sent_to_another_authors_package(path: Path) -> None:
    """The package index has a ``batchrun`` that is not this one."""
    assert INSTALL.findall(path.read_text("utf-8")) == []


EXCEPTION = re.compile(r"# (?:noqa|type: ignore|pyright: ignore)(?::[A-Z0-9, ]+|\[[a-zA-Z, -]+\])?")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_exception_from_a_rule_gives_its_reason(path: Path) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if EXCEPTION.search(line)]
    # What follows the last of them holds for all: two tools may object to one line.
    assert [line for line in lines if not re.search("[a-z]", EXCEPTION.split(line)[-1])] == []


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    (released, date) = re.findall(
        r"^## \[(.+?)\](?: - (\S+))?$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )[0]
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert released == version
    assert f"\nversion: {version}\ndate-released: {date}\n" in citation
