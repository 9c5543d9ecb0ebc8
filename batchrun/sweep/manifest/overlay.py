"""What the command line lays over a manifest's tables: ``--set``, ``--axis``, ``--sample``, ``--seed``, ``--max-points``."""

import copy
from typing import Any

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.problems import Problems, did_you_mean
from batchrun.sweep.manifest.source import Overrides, check_pair, parse_toml
from batchrun.sweep.values import is_text

__all__ = ["SETTABLE", "lay_over"]

TEXT, NUMBER, LIST = "text", "number", "list"
SETTABLE: dict[str, str] = {
    "run.name": TEXT,
    "run.runtime": TEXT,
    "run.region": TEXT,
    "run.version": TEXT,
    "run.timeout": TEXT,
    "run.python": TEXT,
    "run.jar.uri": TEXT,
    "run.jar.main_class": TEXT,
    "run.args": LIST,
    "run.driver_disk_gb": NUMBER,
    "run.executor_disk_gb": NUMBER,
    "submit.max_points": NUMBER,
    "submit.concurrency": NUMBER,
    "submit.rate": NUMBER,
    "submit.burst": NUMBER,
    "submit.max_active": NUMBER,
    "submit.max_attempts": NUMBER,
    "submit.settle_after": TEXT,
    "submit.stop_after_failures": NUMBER,
    "sample.count": NUMBER,
    "sample.seed": NUMBER,
}
"""What ``--set`` may change, and the type that its value has. ``vars.NAME`` and ``run.spark.KEY`` may be set as well."""


def lay_over(document: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """The tables with the command line's words in them.

    Raises:
        ManifestError: a flag makes no sense; all of them are told.

    """
    laid = copy.deepcopy(document)
    problems = Problems()
    for text in (*overrides.set, *overrides.axis, *overrides.where):
        if not is_text(text):
            problems.fail("", f"{text!r} is not UTF-8", "give text")
    for text in overrides.set:
        if (pair := check_pair(text, "--set", problems)) is not None:
            _set(laid, *pair, problems)
    for text in overrides.axis:
        if (pair := check_pair(text, "--axis", problems)) is not None:
            _axis(laid, *pair, problems)
    _sample(laid, overrides, problems)
    if overrides.max_points is not None and (table := _table(laid, ["submit"], "--max-points", problems)) is not None:
        table["max_points"] = overrides.max_points
    problems.check()
    return laid


def _table(laid: dict[str, Any], path: list[str], flag: str, problems: Problems) -> dict[str, Any] | None:
    """The table at a path, made where it is missing; None, which is told, when something else stands there."""
    table = laid
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            problems.add(flag, f"'{part}' is no table in the manifest", "set the whole of it")
            return None
    return table


def _set(laid: dict[str, Any], key: str, text: str, problems: Problems) -> None:
    if key.startswith("run.spark."):
        if (table := _table(laid, ["run", "spark"], f"--set {key}", problems)) is not None:
            _forget(table, key.removeprefix("run.spark."))
            table[key.removeprefix("run.spark.")] = text
        return
    if key.startswith("vars."):
        _set_var(laid, key.removeprefix("vars."), text, problems)
        return
    if key not in SETTABLE:
        problems.add(f"--set {key}", "there is no such setting", did_you_mean(key, sorted(SETTABLE)))
        return
    *path, name = key.split(".")
    if (table := _table(laid, path, f"--set {key}", problems)) is not None:
        table[name] = text if SETTABLE[key] == TEXT else _typed(text)


def _forget(table: dict[str, Any], key: str) -> None:
    """Drop a dotted key, however it is nested."""
    table.pop(key, None)
    for name, inner in table.items():
        if isinstance(inner, dict) and key.startswith(f"{name}."):
            _forget(inner, key.removeprefix(f"{name}."))


def _set_var(laid: dict[str, Any], name: str, text: str, problems: Problems) -> None:
    """A variable keeps the type that the manifest gives it."""
    table = _table(laid, ["vars"], f"--set vars.{name}", problems)
    if table is None:
        return
    if name not in table:
        problems.add(f"--set vars.{name}", "the manifest has no such variable", did_you_mean(name, sorted(table)))
        return
    table[name] = text if isinstance(table[name], str) else _typed(text)


def _typed(text: str) -> Any:
    try:
        return parse_toml(f"value = {text}", "--set")["value"]
    except ManifestError:
        return text


def _axis(laid: dict[str, Any], name: str, text: str, problems: Problems) -> None:
    axes = _table(laid, ["axes"], f"--axis {name}", problems)
    if axes is None:
        return
    if name not in axes:
        problems.add(f"--axis {name}", "the manifest has no such axis", did_you_mean(name, sorted(axes)))
        return
    try:
        axes[name] = parse_toml(f"value = {text}", f"--axis {name}")["value"]
    except ManifestError as error:
        fix = f"write an axis source in TOML, such as --axis {name}='[1, 2]'"
        problems.add(f"--axis {name}", error.problems[0].fact, fix)


def _sample(laid: dict[str, Any], overrides: Overrides, problems: Problems) -> None:
    if overrides.sample is None and overrides.seed is None:
        return
    if (table := _table(laid, ["sample"], "--sample", problems)) is None:
        return
    table.update({"count": overrides.sample} if overrides.sample is not None else {})
    table.update({"seed": overrides.seed} if overrides.seed is not None else {})
    if "seed" not in table:
        problems.add("--sample", "a sample needs a seed", "add --seed 1, so that it is the same each time")
    if "count" not in table:
        problems.add("--seed", "a seed without a sample", "add --sample N")
