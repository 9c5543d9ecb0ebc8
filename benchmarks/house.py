"""How the package is built, room by room: ``python -m benchmarks.house [ROOT] [--json]``.

Reads the source and imports nothing of it, so ROOT can be any checkout. A row counts the files of its own folder only.

lines     all lines of the files
body      code lines in a function's body, without signature, docstring, blank lines and comments: median and 90th percentile
comments  lines with a comment, for each 100 code lines; a pragma such as ``noqa`` is none
reasons   the same, with the strings below constants: ``LIMIT = 20`` and why it is 20. Strings below fields do not count
once      private functions and methods that their module names exactly once
4+ pos    functions with four or more positional parameters, without self and cls
fan-out   how many modules of the package the widest module imports, and which module that is
"""

import argparse
import ast
import io
import json
import math
import re
import statistics
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

__all__ = ["Module", "Room", "read_module", "read_rooms", "total"]

PACKAGE = "batchrun"
MANY_PARAMETERS = 4
PRAGMA = re.compile(r"#\s*(?:noqa|type:|pyright:|pragma:|fmt:)")
BLANK = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What is counted in one file."""

    name: str
    lines: int
    code_lines: int
    comment_lines: int
    reason_lines: int
    """Comments, and the strings below constants."""
    bodies: tuple[int, ...]
    """Code lines of each function's body."""
    used_once: tuple[str, ...]
    many_parameters: tuple[str, ...]
    imports: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A folder as a row of the table."""

    room: str
    files: int
    lines: int
    functions: int
    body_median: float
    body_p90: int
    comments_per_100: float
    reasons_per_100: float
    used_once: int
    many_parameters: int
    fan_out: int
    widest: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rooms = read_rooms(args.root)
    if args.json:
        print(json.dumps([asdict(room) for room in rooms], indent=2))
    else:
        print_rooms(rooms)


def read_rooms(root: Path) -> list[Room]:
    """Every folder of the package under ``root``, and the sum of all."""
    paths = sorted((root / PACKAGE).rglob("*.py"))
    known = frozenset(_dotted(path, root) for path in paths)
    folders: dict[str, list[Module]] = {}
    for path in paths:
        folder = str(path.parent.relative_to(root))
        folders.setdefault(folder, []).append(read_module(path.read_text("utf-8"), _dotted(path, root), known))
    everything = [module for modules in folders.values() for module in modules]
    return [*(total(folder, modules) for folder, modules in sorted(folders.items())), total("all", everything)]


def total(room: str, modules: Sequence[Module]) -> Room:
    """Modules added up."""
    bodies = sorted(lines for module in modules for lines in module.bodies)
    code = sum(module.code_lines for module in modules)
    widest = max(modules, key=lambda module: len(module.imports))
    return Room(
        room=room,
        files=len(modules),
        lines=sum(module.lines for module in modules),
        functions=len(bodies),
        body_median=statistics.median(bodies) if bodies else 0,
        body_p90=bodies[math.ceil(0.9 * len(bodies)) - 1] if bodies else 0,
        comments_per_100=round(100 * sum(module.comment_lines for module in modules) / max(code, 1), 1),
        reasons_per_100=round(100 * sum(module.reason_lines for module in modules) / max(code, 1), 1),
        used_once=sum(len(module.used_once) for module in modules),
        many_parameters=sum(len(module.many_parameters) for module in modules),
        fan_out=len(widest.imports),
        widest=widest.name if widest.imports else "",
    )


def read_module(text: str, name: str, known: frozenset[str]) -> Module:
    """Count one file; ``known`` are the modules of the package."""
    tree = ast.parse(text)
    code, comments = _lines(text, tree)
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    names = Counter(_names(tree))
    return Module(
        name=name,
        lines=len(text.splitlines()),
        code_lines=len(code),
        comment_lines=len(comments),
        reason_lines=len(comments) + sum(len(_span(string)) for string in _below_constants(tree)),
        bodies=tuple(_body_lines(function, code) for function in functions if not _is_declaration(function)),
        used_once=tuple(function.name for function in functions if _is_private(function) and names[function.name] == 1),
        many_parameters=tuple(f.name for f in functions if len(_positional(f)) >= MANY_PARAMETERS),
        imports=frozenset(_imports(tree, known)) - {name},
    )


def _lines(text: str, tree: ast.Module) -> tuple[set[int], set[int]]:
    """The lines with code, without docstrings, and those with a comment."""
    code, comments = set[int](), set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not PRAGMA.match(token.string):
            comments.add(token.start[0])
        elif token.type not in BLANK:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if _is_docstring(node):
            code.difference_update(_span(node))
    return code, comments


def _is_docstring(node: ast.AST) -> bool:
    """A string that stands alone: a docstring of a module, class, function or attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _below_constants(tree: ast.Module) -> Iterator[ast.stmt]:
    """The strings that say why a constant of the module has its value."""
    for before, after in pairwise(tree.body):
        if isinstance(before, ast.Assign | ast.AnnAssign) and _is_docstring(after):
            yield after


def _span(node: ast.AST) -> range:
    return range(getattr(node, "lineno", 0), (getattr(node, "end_lineno", 0) or 0) + 1)


def _body_lines(function: Function, code: set[int]) -> int:
    return len({line for statement in function.body for line in _span(statement)} & code)


def _is_declaration(function: Function) -> bool:
    """True for a function without statements, such as a protocol's."""
    rest = [statement for statement in function.body if not _is_docstring(statement)]
    return all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in rest)


def _is_private(function: Function) -> bool:
    return function.name.startswith("_") and not function.name.endswith("__")


def _positional(function: Function) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _names(tree: ast.Module) -> Iterator[str]:
    """Every name and attribute that is read or written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _imports(tree: ast.Module, known: frozenset[str]) -> Iterator[str]:
    """The package's modules that are imported while running."""
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only type checkers see."""
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    for child in ast.iter_child_nodes(node):
        yield from _running(child)


def _dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def print_rooms(rooms: Sequence[Room]) -> None:
    width = max(len(room.room) for room in rooms)
    print(
        f"{'room':{width}}{'files':>7}{'lines':>8}{'body':>6}{'p90':>5}{'comments':>10}{'reasons':>9}{'once':>6}{'4+ pos':>8}  fan-out"
    )
    for room in rooms:
        print(
            f"{room.room:{width}}{room.files:>7}{room.lines:>8,}{room.body_median:>6g}{room.body_p90:>5}"
            f"{room.comments_per_100:>10.1f}{room.reasons_per_100:>9.1f}{room.used_once:>6}{room.many_parameters:>8}{room.fan_out:>4} {room.widest}"
        )


if __name__ == "__main__":
    main()
