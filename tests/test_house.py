"""The shape of the house: where imports may go, and how large a thing may be."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import batchrun

PACKAGE = Path(batchrun.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 300
LONGEST_FUNCTION = 60


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


def test_imports_only_go_down() -> None:
    config = PACKAGE.parent / "pyproject.toml"
    assert lint_imports(config_filename=str(config), no_cache=True) == 0


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_has_one_subject_and_says_it(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= LONGEST_FILE
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_fits_a_screen(path: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, FUNCTIONS)]
    assert [f.name for f in functions if (f.end_lineno or 0) - f.body[0].lineno >= LONGEST_FUNCTION] == []


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("path", [path for path in MODULES if path.name != "__main__.py"], ids=name_of)
def test_a_module_names_what_it_offers(path: Path) -> None:
    body = ast.parse(path.read_text("utf-8")).body
    offers = any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in body)
    assert offers or len(body) == 1, "a room's own file holds a docstring only"
