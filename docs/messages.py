"""Every message that the code can make, read from its source: the texts that are given to errors and problems.

What varies is shown as ``…``. A text is followed through names, conditional expressions and functions of the same module;
what another part made, and is only passed on, is found where it is made.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

__all__ = ["SECTIONS", "Message", "messages"]

PACKAGE = Path(__file__).parents[1] / "batchrun"
SECTIONS = {
    "cli": "The command line",
    "sweep": "Manifests, data files and plans",
    "ledger": "Ledgers",
    "wherobots": "The service, the API key and the network",
    "engine": "Submitting, settling and checking",
    "uploads": "Local files",
    "tracking": "Following runs, logs and costs",
    "report": "Reports, exports and selections",
    "emulator": "The emulator",
    "": "Everything else",
}
"""By room of the package."""
OF_A_FACT = {"RangeError", "UploadRefusedError"}
"""Errors without a place, which whoever catches them adds."""
OF_A_PLACE = {"add", "fail"}
"""What a place in a manifest is given a problem by."""
ANY = "…"
MOST = 8
"""Alternatives of one text; more would be combinations that nobody reads."""

Names = dict[str, list["Assigned"]]
Functions = dict[str, ast.FunctionDef]


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """What is wrong, and how to fix it."""

    fact: str
    fix: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """One value of a name. If it is one of several in the branches of a statement, ``until`` is the statement's last line."""

    line: int
    value: ast.expr
    until: int = 0


def messages() -> dict[str, list[Message]]:
    """By room, in alphabetical order, each once."""
    found: dict[str, set[Message]] = {room: set() for room in SECTIONS}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0]
        found[room if room in SECTIONS else ""].update(_messages_of(ast.parse(path.read_text("utf-8"))))
    return {
        room: sorted(ones, key=lambda one: (one.fact.strip(f"{ANY} '").lower(), one)) for room, ones in found.items()
    }


def _messages_of(module: ast.Module) -> Iterator[Message]:
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    common = _assigned(module.body)
    for scope in _scopes(module):
        texts = _Texts({**common, **_assigned(ast.walk(scope))}, functions)
        for call in ast.walk(scope):
            if isinstance(call, ast.Call) and (given := _given(call)):
                yield from texts.messages(*given)


def _scopes(module: ast.Module) -> Iterator[ast.AST]:
    for node in module.body:
        yield from node.body if isinstance(node, ast.ClassDef) else [node]


def _given(call: ast.Call) -> tuple[ast.expr, ast.expr | None] | None:
    """The fact and the fix that a call is given; None if it makes no message."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in OF_A_FACT or (name in OF_A_PLACE and _is_text(call.args)):
        at = 0
    elif (name.endswith("Error") or name == "Problem") and len(call.args) > 1:
        at = 1
    else:
        return None
    return call.args[at], call.args[at + 1] if len(call.args) > at + 1 else None


def _is_text(arguments: list[ast.expr]) -> bool:
    """Whether they are a fact and a fix, and not what a set or a counter is given."""
    return len(arguments) > 1 or any(isinstance(one, ast.JoinedStr) for one in arguments)


def _assigned(nodes: Iterable[ast.AST]) -> Names:
    """The values of each name, in order."""
    nodes = list(nodes)
    ends: dict[tuple[str, int], int] = {}
    for branch in nodes:
        if isinstance(branch, ast.If):
            one, other = _of_statements(branch.body), _of_statements(branch.orelse)
            for name in one.keys() & other.keys():
                for value in one[name] + other[name]:
                    ends.setdefault((name, id(value)), branch.end_lineno or 0)  # the outermost comes first
    found: Names = {}
    for node in nodes:
        for name, value in _values_of(node):
            found.setdefault(name, []).append(Assigned(value.lineno, value, ends.get((name, id(value)), 0)))
    return {name: sorted(values, key=lambda one: one.line) for name, values in found.items()}


def _of_statements(body: list[ast.stmt]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for statement in body:
        for node in ast.walk(statement):
            for name, value in _values_of(node):
                found.setdefault(name, []).append(value)
    return found


def _values_of(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _pairs(target, node.value)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=False):
            yield from _pairs(one, its)


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts that expressions of one function may have."""

    names: Names
    functions: Functions

    def messages(self, fact: ast.expr, fix: ast.expr | None) -> Iterator[Message]:
        facts = [one for one in self.of(fact) if one.strip(f"{ANY} :;,.'")]
        fixes = list(dict.fromkeys(self.of(fix))) if fix is not None else []
        if len(fixes) > 1 and len(facts) % len(fixes) == 0:  # alternatives that belong together, in the same order
            each = len(facts) // len(fixes)
            yield from (Message(one, fixes[at // each]) for at, one in enumerate(facts))
        else:
            yield from (Message(one, "; or: ".join(fixes)) for one in facts)

    def of(self, node: ast.expr, depth: int = 0) -> list[str]:
        """Empty if nothing is known about it."""
        if depth > 5:  # noqa: PLR2004 - a text that is further away is another part's
            return []
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return self._joined([self._part(part, depth) for part in parts])
            case ast.IfExp(body=one, orelse=other):
                return [*self.of(one, depth + 1), *self.of(other, depth + 1)]
            case ast.BoolOp(values=values):
                return [text for value in values for text in self.of(value, depth + 1)]
            case ast.BinOp(left=one, op=ast.Add(), right=other):
                return self._joined([self.of(one, depth + 1) or [ANY], self.of(other, depth + 1) or [ANY]])
            case ast.Name(id=name, lineno=line):
                return [text for value in self._values(name, line) for text in self.of(value, depth + 1)]
            case ast.Call(func=ast.Name(id=name)) if name in self.functions:
                returned = [
                    one.value for one in ast.walk(self.functions[name]) if isinstance(one, ast.Return) and one.value
                ]
                return [text for value in returned for text in self.of(value, depth + 1)]
            case _:
                return []

    def _part(self, part: ast.expr, depth: int) -> list[str]:
        if isinstance(part, ast.FormattedValue):
            return self.of(part.value, depth + 1) or [ANY] if isinstance(part.value, ast.IfExp | ast.Name) else [ANY]
        return self.of(part, depth)

    def _joined(self, parts: list[list[str]]) -> list[str]:
        whole = list(product(*parts))
        return [
            "".join(one) for one in (whole if len(whole) <= MOST else [[p[0] if len(p) == 1 else ANY for p in parts]])
        ]

    def _values(self, name: str, line: int) -> list[ast.expr]:
        """The last value before the line, with those of the other branches where it is one of several."""
        before = [one for one in self.names.get(name, []) if one.line <= line]
        if not before:
            return []
        last = before[-1]
        return [one.value for one in before if one is last or (last.until and one.until == last.until < line)]
