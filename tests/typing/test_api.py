"""The file that type checkers read knows every public name."""

import ast
from pathlib import Path

import batchrun


def test_every_public_name_is_read_by_type_checkers() -> None:
    tree = ast.parse(Path(__file__).with_name("api.py").read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "batchrun"]
    assert sorted(name.name for node in imports for name in node.names) == sorted(batchrun.__all__)
