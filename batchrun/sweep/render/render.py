"""``[run]``, with an override or without, as a recipe for payloads: JSON that is made once, with gaps that are filled.

Whatever depends on a single axis is made once for each of its values; what depends on several is remembered. A point then
costs a few look-ups and one join.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from batchrun.sweep.manifest.tables import DependencyTable, OverrideTable, PythonTable, RunTable
from batchrun.sweep.render.conversions import as_disk, as_region, as_runtime, as_text, as_timeout, checked_uri
from batchrun.sweep.render.json_template import Gap, Leaf, Segment, Text, inner, json_bytes, merged, segments_of
from batchrun.sweep.render.names import Binding, PointContext, PointError, Scope, joined
from batchrun.sweep.values import Kind, kind_of, shown, text_of
from batchrun.wherobots.payload import DEFAULT_TIMEOUT_S

__all__ = ["PayloadTemplate", "recipe_of"]

Convert = Callable[[Any, str], Any]


@dataclass(frozen=True, slots=True)
class PayloadTemplate:
    """How to make the body of a run, and what else is told of it."""

    segments: tuple[Segment, ...]
    region: Callable[[PointContext], str]
    runtime: Callable[[PointContext], str]

    def body(self, at: PointContext, name: bytes) -> bytes:
        """The canonical JSON of the payload. ``name`` is the JSON of the run's name."""
        return b"".join(
            [part if isinstance(part, bytes) else (name if part is _name_gap else part(at)) for part in self.segments]
        )


def _name_gap(at: PointContext) -> bytes:
    raise AssertionError(at)  # stands for the name; never called


def recipe_of(run: RunTable, overrides: list[tuple[int, OverrideTable]], scope: Scope) -> PayloadTemplate | None:
    """The recipe for ``[run]`` with these overrides laid over it, the last one winning; None when something is wrong.

    Overrides come with their numbers in the manifest, from 1.
    """
    maker = _Maker(scope, run, overrides)
    document = maker.document()
    region = maker.text("region", "region", as_region)
    runtime = maker.text("runtime", "runtime", as_runtime)
    if document is None or region is None or runtime is None:
        return None
    return PayloadTemplate(tuple(merged(segments_of(document))), region, runtime)


class _Maker:
    """Turns tables into a payload whose varying parts are leaves."""

    def __init__(self, scope: Scope, run: RunTable, overrides: list[tuple[int, OverrideTable]]) -> None:
        self._scope = scope
        self._run = run
        self._overrides = overrides

    def document(self) -> dict[str, Any] | None:
        """The payload with camelCase keys, as the wire has it."""
        before = self._scope.problems.count
        document = {
            "name": Leaf(_name_gap),
            "runtime": self._leaf("runtime", "runtime", as_runtime),
            "version": self._leaf("version", "version", as_text),
            "timeoutSeconds": self._leaf("timeout", "timeout", as_timeout) or DEFAULT_TIMEOUT_S,
            "environment": {
                "sparkDriverDiskGB": self._leaf("driver_disk_gb", "driver_disk_gb", as_disk),
                "sparkExecutorDiskGB": self._leaf("executor_disk_gb", "executor_disk_gb", as_disk),
                "sparkConfigs": self._spark(),
                "dependencies": self._dependencies(),
            },
            **self._script(),
        }
        return document if self._scope.problems.count == before else None

    def text(self, key: str, said: str, convert: Convert) -> Callable[[PointContext], str] | None:
        """A setting that is told of a run as well."""
        value, place = self._setting(key)
        if value is None and key == "region":
            value = self._scope.manifest.default_region
        if value is None:
            fix = "set it, or export WHEROBOTS_REGION" if key == "region" else f"add {said} = …"
            self._scope.problems.add("run", f"no '{said}'", fix)
            return None
        meaning = self._meaning(value, place)
        if meaning is None:
            return None
        return _remembered(meaning, lambda at: text_of(convert(meaning.value(at), place)), self._scope)

    def _setting(self, key: str) -> tuple[Any, str]:
        """The last override that has it wins, then ``[run]``; and where it stands."""
        for number, table in reversed(self._overrides):
            if (value := getattr(table, key)) is not None:
                return value, f"override #{number}: {key}"
        return getattr(self._run, key), f"run.{key}"

    def _leaf(self, key: str, said: str, convert: Convert) -> Leaf | int | None:
        value, place = self._setting(key)
        if value is None:
            if key == "runtime":
                self._scope.problems.add("run", f"no '{said}'", f"add {said} = …")
            return None
        return self._made(value, place, convert)

    def _made(self, value: Any, place: str, convert: Convert) -> Leaf | None:
        meaning = self._meaning(value, place)
        if meaning is None:
            return None
        return Leaf(_remembered(meaning, lambda at: json_bytes(convert(meaning.value(at), place)), self._scope))

    def _meaning(self, value: Any, place: str) -> Binding | None:
        if isinstance(value, str):
            return joined(self._scope.template(value, place), self._scope)
        return Binding(frozenset(), lambda _: value)

    def _string(self, value: Any, place: str) -> Any:
        """A string of the payload, piece by piece, so that each piece depends on as little as it can."""
        if kind_of(value) in {None, Kind.RECORD}:
            self._scope.problems.add(place, f"{shown(value)[:60]} is no text", "give a string")
            return None
        if not isinstance(value, str):
            return text_of(value)
        pieces: list[Segment] = []
        template = self._scope.template(value, place)
        for part in template.parts:
            if isinstance(part, str):
                pieces.append(inner(part))
                continue
            whole = joined(type(template)(place, (part, "")), self._scope)
            if whole is None:
                return None
            meaning = whole
            pieces.append(_remembered(meaning, _inner_of(meaning), self._scope))
        return Text(tuple(pieces))

    def _script(self) -> dict[str, Any]:
        python, python_place = self._setting("python")
        jar, jar_place = self._setting("jar")
        if (python is None) == (jar is None):
            fact = "neither python nor jar" if python is None else "both python and jar"
            self._scope.problems.add("run", fact, "give exactly one of them")
            return {}
        args = self._args()
        if python is not None:
            uri = python.uri if isinstance(python, PythonTable) else python
            return {
                "runPython": {
                    "uri": self._string(checked_uri(uri, python_place, self._scope), python_place),
                    "args": args,
                }
            }
        main_class = self._string(jar.main_class, f"{jar_place}.main_class")
        uri = self._string(checked_uri(jar.uri, f"{jar_place}.uri", self._scope), f"{jar_place}.uri")
        return {"runJar": {"uri": uri, "mainClass": main_class, "args": args}}

    def _args(self) -> list[Any]:
        values, place = self._setting("args")
        args = [self._string(value, f"{place}[{n}]") for n, value in enumerate(values or [])]
        for number, table in self._overrides:
            more = f"override #{number}: add_args"
            args += [self._string(value, f"{more}[{n}]") for n, value in enumerate(table.add_args)]
        return args

    def _spark(self) -> dict[str, Any]:
        flat = self._flat(self._run.spark, "run.spark")
        for number, table in self._overrides:
            flat |= self._flat(table.spark, f"override #{number}: spark")
        return {key: self._string(value, place) for key, (value, place) in flat.items()}

    def _flat(self, table: dict[str, Any], place: str) -> dict[str, tuple[Any, str]]:
        flat: dict[str, tuple[Any, str]] = {}
        for name, value in _flattened(table):
            if name in flat:
                self._scope.problems.add(f"{place}.{name}", "the key stands twice, nested and in quotes", "drop one")
            flat[name] = (value, f"{place}.{name}")
        return flat

    def _dependencies(self) -> list[Any]:
        tables, place = self._setting("dependencies")
        found = [self._dependency(one, f"{place}[{n}]") for n, one in enumerate(tables or [])]
        for number, table in self._overrides:
            more = f"override #{number}: add_dependencies"
            found += [self._dependency(one, f"{more}[{n}]") for n, one in enumerate(table.add_dependencies)]
        return found

    def _dependency(self, table: DependencyTable, place: str) -> dict[str, Any]:
        if (table.pypi is None) == (table.file is None):
            self._scope.problems.add(
                place, "neither pypi nor file, or both", 'give { pypi = "h3" } or { file = "s3://…" }'
            )
            return {}
        if table.file is not None:
            if table.version is not None:
                self._scope.problems.add(place, "a file has no version", "drop version")
            return {"sourceType": "FILE", "filePath": self._string(table.file, f"{place}.file")}
        version = None if table.version is None else self._string(table.version, f"{place}.version")
        return {
            "sourceType": "PYPI",
            "libraryName": self._string(table.pypi, f"{place}.pypi"),
            "libraryVersion": version,
        }


def _flattened(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables as dotted keys."""
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flattened(value, f"{name}.")
        else:
            yield name, value


def _remembered(meaning: Binding, make: Callable[[PointContext], Any], scope: Scope) -> Callable[[PointContext], Any]:
    """``make``, called once for each combination of the axes that it depends on."""
    if meaning.is_own:
        return make
    if not meaning.axes:
        constant = _now(make, scope)
        return lambda _: constant
    if len(meaning.axes) == 1:
        (axis,) = meaning.axes
        table: list[Any] = [None] * len(scope.axes[axis].values)

        def look_up(at: PointContext) -> Any:
            position = at.point[axis]
            if (made := table[position]) is None:
                made = table[position] = make(at)
            return made

        return look_up
    axes = tuple(sorted(meaning.axes))
    known: dict[Any, Any] = {}

    def remember(at: PointContext) -> Any:
        key = tuple([at.point[axis] for axis in axes])
        if (made := known.get(key)) is None:
            made = known[key] = make(at)
        return made

    return remember


def _now(make: Callable[[PointContext], Any], scope: Scope) -> Any:
    """A value that is the same for all points; what is wrong with it is told with the templates."""
    try:
        return make(PointContext((), 0, ""))
    except PointError as error:
        scope.problems.add(error.problem.place, error.problem.fact, error.problem.fix)
        return None


def _inner_of(meaning: Binding) -> Gap:
    return lambda at: inner(text_of(meaning.value(at)))
