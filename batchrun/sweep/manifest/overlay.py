"""Lays the command line's flags over a manifest's tables: ``--set``, ``--axis``, ``--sample``, ``--seed``, ``--max-points``."""

import copy
from collections.abc import Sequence
from typing import Any

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.problems import Cursor, Problems, did_you_mean
from batchrun.sweep.manifest.source import Overrides, parse_toml, split_pair
from batchrun.sweep.values import is_text

__all__ = ["SETTABLE", "lay_over", "rerun_settings"]

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
    "submit.read_rate": NUMBER,
    "submit.max_active": NUMBER,
    "submit.max_attempts": NUMBER,
    "submit.settle_after": TEXT,
    "submit.give_up_after": TEXT,
    "submit.stop_at_units": NUMBER,
    "submit.stop_after_failures": NUMBER,
    "sample.count": NUMBER,
    "sample.seed": NUMBER,
}
"""The keys that ``--set`` accepts, besides ``vars.NAME`` and ``run.spark.KEY``.

The type comes from the key, never from the value: tools that guess turn ``--set run.version=3.10`` into 3.1.
"""


def lay_over(document: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """A copy of the tables with the flags applied.

    Raises:
        ManifestError: flags are wrong; it carries every problem.

    """
    changed = copy.deepcopy(document)
    problems = Problems()
    # The flags are kept in the ledger and shown in messages; neither can hold what is not UTF-8.
    for text in (*overrides.set, *overrides.axis, *overrides.where):
        if not is_text(text):
            problems.at("").fail(f"{text!r} is not UTF-8", "pass valid UTF-8")
    for text in overrides.set:
        if (pair := split_pair(text, problems.at("--set"))) is not None:
            _set(changed, *pair, problems.at(f"--set {pair[0]}"))
    for text in overrides.axis:
        if (pair := split_pair(text, problems.at("--axis"))) is not None:
            _replace_axis(changed, *pair, problems.at(f"--axis {pair[0]}"))
    _set_sample(changed, overrides, problems)
    limit = overrides.max_points
    if limit is not None and (table := _table(changed, ["submit"], problems.at("--max-points"))) is not None:
        table["max_points"] = limit
    problems.check()
    return changed


def rerun_settings(texts: Sequence[str]) -> dict[str, Any]:
    """The ``[run]`` settings of ``rerun --set``, as a table.

    Raises:
        ManifestError: a key is unknown, or not one of ``[run]``; all of them at once.

    """
    problems = Problems()
    for text in texts:
        key = text.partition("=")[0].strip()
        if key == "run.name":
            problems.at("--set run.name").add("a rerun keeps its name and adds a suffix such as -r2", "omit it")
        elif not key.startswith("run."):
            fix = "a rerun keeps its point; change and submit the sweep to change anything else"
            problems.at(f"--set {key}").add("only settings of [run] can change", fix)
    problems.check()
    settings: dict[str, Any] = lay_over({"run": {}}, Overrides(set=tuple(texts)))["run"]
    return settings


def _table(document: dict[str, Any], path: list[str], flag: Cursor) -> dict[str, Any] | None:
    """The table at a path, created where it is missing; None, with a problem, if it is not a table."""
    table = document
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            flag.add(f"'{part}' is not a table in the manifest", "write it as a table")
            return None
    return table


def _set(document: dict[str, Any], key: str, text: str, flag: Cursor) -> None:
    if key.startswith("run.spark."):
        _set_spark(document, key.removeprefix("run.spark."), text, flag)
        return
    if key.startswith("vars."):
        _set_variable(document, key.removeprefix("vars."), text, flag)
        return
    if key not in SETTABLE:
        flag.add("unknown setting", did_you_mean(key, sorted(SETTABLE)))
        return
    *path, name = key.split(".")
    if (table := _table(document, path, flag)) is not None:
        table[name] = text if SETTABLE[key] == TEXT else _parsed(text)


def _set_spark(document: dict[str, Any], key: str, text: str, flag: Cursor) -> None:
    if (table := _table(document, ["run", "spark"], flag)) is not None:
        _drop_dotted(table, key)  # nested and quoted at once would be a key that appears twice
        table[key] = text


def _drop_dotted(table: dict[str, Any], key: str) -> None:
    """Remove a dotted key, whether it is quoted or spelled as nested tables."""
    table.pop(key, None)
    for name, inner in table.items():
        if isinstance(inner, dict) and key.startswith(f"{name}."):
            _drop_dotted(inner, key.removeprefix(f"{name}."))


def _set_variable(document: dict[str, Any], name: str, text: str, flag: Cursor) -> None:
    """A variable has no schema; it keeps the type that the manifest gives it."""
    if (table := _table(document, ["vars"], flag)) is None:
        return
    if name not in table:
        flag.add("the manifest has no such variable", did_you_mean(name, sorted(table), otherwise="add it to [vars]"))
        return
    table[name] = text if isinstance(table[name], str) else _parsed(text)


def _parsed(text: str) -> Any:
    """A TOML value; what is not TOML stays text, for the check of the key's type to refuse."""
    try:
        return parse_toml(f"value = {text}", "--set")["value"]
    except ManifestError:
        return text


def _replace_axis(document: dict[str, Any], name: str, text: str, flag: Cursor) -> None:
    if (axes := _table(document, ["axes"], flag)) is None:
        return
    if name not in axes:
        flag.add("the manifest has no such axis", did_you_mean(name, sorted(axes), otherwise="add it to [axes]"))
        return
    try:
        axes[name] = parse_toml(f"value = {text}", flag.path)["value"]
    except ManifestError as error:
        flag.add(error.problems[0].fact, f"write an axis source in TOML, such as --axis {name}='[1, 2]'")


def _set_sample(document: dict[str, Any], overrides: Overrides, problems: Problems) -> None:
    given = {"count": overrides.sample, "seed": overrides.seed}
    if given == {"count": None, "seed": None}:
        return
    if (table := _table(document, ["sample"], problems.at("--sample"))) is None:
        return
    table.update({key: value for key, value in given.items() if value is not None})
    if "seed" not in table:
        problems.at("--sample").add("a sample needs a seed", "add --seed 1, so that the sample is the same every time")
    if "count" not in table:
        problems.at("--seed").add("a seed without a sample", "add --sample N")
