"""Warn about imports in a script that will not resolve. The script is parsed, never executed."""

import ast
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from batchrun.errors import Problem
from batchrun.sweep.local_file import LocalFile

__all__ = ["script_warnings"]

MAX_PARSED_BYTES = 4 << 20
"""A larger script is generated, and takes seconds to parse."""


def script_warnings(scripts: Collection[LocalFile], dependencies: Collection[str]) -> Iterator[Problem]:
    """Warnings about scripts that do not parse, or import modules beside them that no dependency provides.

    ``dependencies`` are what the runs list: URIs, paths of local archives, names of packages.
    """
    provided = {module for dependency in dependencies for module in _provides(dependency)}
    for script in scripts:
        if script.size <= MAX_PARSED_BYTES:
            yield from _warnings(script, provided)


def _warnings(script: LocalFile, provided: set[str]) -> Iterator[Problem]:
    try:
        tree = ast.parse(script.source.read_bytes())
    except (SyntaxError, ValueError) as error:  # ValueError: null bytes, before Python 3.11.4
        what, line = (error.msg, error.lineno) if isinstance(error, SyntaxError) else (error, None)
        fact = f"does not parse: {what}" + (f" (line {line})" if line else "")
        yield Problem(script.path, fact, "fix it, unless the runtime has a newer Python than this one")
        return
    except (OSError, RecursionError, MemoryError):
        return  # the upload reports a file that cannot be read; nothing is known of the others
    for module in sorted(_imported(tree) - provided):
        if module != script.source.stem and (beside := _beside(script.source.parent, module)) is not None:
            fact = f"imports '{module}', and {beside} is not uploaded with it"
            yield Problem(script.path, fact, "put it into a .zip and list that in [[run.dependencies]]")


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                names |= {alias.name.partition(".")[0] for alias in node.names}
            case ast.ImportFrom(module=str() as module, level=0):
                names.add(module.partition(".")[0])
    return names


def _beside(folder: Path, module: str) -> str | None:
    if (folder / f"{module}.py").is_file():
        return f"{module}.py"
    return f"{module}/" if (folder / module / "__init__.py").is_file() else None


def _provides(dependency: str) -> set[str]:
    """The modules that a dependency may provide: what a local archive holds, else a guess by its name."""
    name = PurePosixPath(dependency).name
    names = {name.partition(".")[0].partition("-")[0].replace("-", "_"), dependency}
    try:
        with zipfile.ZipFile(dependency) as archive:
            names |= {entry.partition("/")[0].removesuffix(".py") for entry in archive.namelist()}
    except (OSError, zipfile.BadZipFile, ValueError):
        pass
    return names
