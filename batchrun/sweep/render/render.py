"""``[run]`` merged with overrides, as a payload template: JSON that is encoded once, with slots for what varies.

What depends on a single axis is rendered once for each of its values; what depends on several is cached. A point then
costs a few look-ups and one join.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from batchrun.sweep.local_file import LocalFile
from batchrun.sweep.manifest.problems import Cursor
from batchrun.sweep.manifest.tables import DependencyTable, PythonTable
from batchrun.sweep.render.cache import cached
from batchrun.sweep.render.context import Binding, PointContext, PointError, constant
from batchrun.sweep.render.conversions import as_disk, as_region, as_runtime, as_text, as_timeout, check_script
from batchrun.sweep.render.json_template import (
    Segment,
    Slot,
    StringTemplate,
    encode,
    encode_inner,
    json_segments,
    merge_constants,
)
from batchrun.sweep.render.local_files import is_uri
from batchrun.sweep.render.names import Scope
from batchrun.sweep.render.settings import RunSettings
from batchrun.sweep.render.template import Template
from batchrun.sweep.values import Kind, kind_of, shown, text_of
from batchrun.wherobots.payload import DEFAULT_TIMEOUT_S

__all__ = ["PayloadTemplate", "payload_template"]

LARGEST_PAYLOAD_BYTES = 10 << 20
"""No service is known to take more: arguments and settings, not data."""
MOST_BYTES_AT_ONCE = 64 << 20
_NO_PATH = "set it to an s3:// URI; only the manifest itself can name a file on this machine"
_TOO_LARGE = "put large data into a file, and pass its URI as an argument"

T = TypeVar("T")
Convert = Callable[[Any, Cursor], Any]
ReadFile = Callable[[str, Cursor], LocalFile]


@dataclass(frozen=True, slots=True)
class PayloadTemplate:
    """Makes the body of a run, its region and its runtime."""

    segments: tuple[Segment, ...]
    region: Callable[[PointContext], str]
    runtime: Callable[[PointContext], str]
    timeout_s: Callable[[PointContext], int]
    at: Cursor

    def body(self, context: PointContext, name: bytes) -> bytes:
        """The canonical JSON of the payload. ``name`` is the run's name as JSON.

        Raises:
            PointError: it is too large, or something in it cannot be rendered.

        """
        body = b"".join(
            [
                part if isinstance(part, bytes) else (name if part is _name_slot else part(context))
                for part in self.segments
            ]
        )
        if len(body) > LARGEST_PAYLOAD_BYTES:
            raise PointError(self.at, f"the payload has {len(body):,} bytes", _TOO_LARGE)
        return body


def _name_slot(context: PointContext) -> bytes:
    raise AssertionError(context)  # marks where the name goes; never called


def payload_template(settings: RunSettings, scope: Scope) -> PayloadTemplate | None:
    """The template for ``[run]`` and some overrides, or None with problems."""
    builder = _Builder(settings, scope)
    runtime = builder.text("runtime", as_runtime)
    document = builder.document()
    region = builder.text("region", as_region)
    timeout_s = builder.timeout_s()
    if document is None or region is None or runtime is None or timeout_s is None:
        return None
    return PayloadTemplate(tuple(merge_constants(json_segments(document))), region, runtime, timeout_s, builder.at)


class _Builder:
    """Turns settings into a payload whose varying parts are slots."""

    def __init__(self, settings: RunSettings, scope: Scope) -> None:
        self._settings = settings
        self._scope = scope
        self.at = scope.problems.at("run")
        self._largest: dict[int, int] = {}  # the most bytes that each slot has made so far

    def document(self) -> dict[str, Any] | None:
        """The payload with the wire's camelCase keys, or None with problems."""
        before = self._scope.problems.count
        document = {
            "name": Slot(_name_slot),
            "runtime": self._slot("runtime", as_runtime),
            "version": self._slot("version", as_text),
            "timeoutSeconds": self._slot("timeout", as_timeout) or DEFAULT_TIMEOUT_S,
            "environment": {
                "sparkDriverDiskGB": self._slot("driver_disk_gb", as_disk),
                "sparkExecutorDiskGB": self._slot("executor_disk_gb", as_disk),
                "sparkConfigs": {key: self._string(*value) for key, value in self._settings.spark().items()},
                "dependencies": [self._dependency(*one) for one in self._settings.get_list("dependencies")],
            },
            **self._script(),
        }
        return document if self._scope.problems.count == before else None

    def text(self, key: str, convert: Convert) -> Callable[[PointContext], str] | None:
        """A setting that is needed beside the payload as well."""
        value, at = self._settings.get(key)
        if value is None and key == "region":  # a query parameter of the request, not part of its body
            value = self._scope.manifest.default_region
        if value is None:
            fix = "set it, or export WHEROBOTS_REGION" if key == "region" else f"add {key} = …"
            self.at.add(f"no '{key}'", fix)
            return None
        binding = self._binding(value, at)
        if binding is None:
            return None
        return self._cached(binding, lambda context: text_of(convert(binding.value(context), at)))

    def timeout_s(self) -> Callable[[PointContext], int] | None:
        """The timeout in seconds, which bounds what a run can cost."""
        value, at = self._settings.get("timeout")
        binding = self._binding(DEFAULT_TIMEOUT_S if value is None else value, at)
        if binding is None:
            return None
        return self._cached(binding, lambda context: as_timeout(binding.value(context), at))

    def _slot(self, key: str, convert: Convert) -> Slot | None:
        value, at = self._settings.get(key)
        if value is None or (binding := self._binding(value, at)) is None:
            return None
        return Slot(self._cached(binding, lambda context: encode(convert(binding.value(context), at))))

    def _binding(self, value: Any, at: Cursor) -> Binding | None:
        if isinstance(value, str):
            return self._scope.render(self._scope.template(value, at))
        return constant(value)

    def _string(self, value: Any, at: Cursor) -> StringTemplate | str | None:
        """A string of the payload, rendered part by part, so that each part depends on as few axes as possible."""
        if kind_of(value) in {None, Kind.RECORD}:
            at.add(f"{shown(value)} is not a string", "use a string, number, boolean or date")
            return None
        if not isinstance(value, str):
            return text_of(value)
        segments: list[Segment] = []
        for part in self._scope.template(value, at).parts:
            if isinstance(part, str):
                segments.append(encode_inner(part))
                continue
            # The empty text makes the template more than one placeholder, and so its value a string.
            binding = self._scope.render(Template(at, (part, "")))
            if binding is None:
                return None
            segments.append(self._cached(binding, _inner_renderer(binding)))
        return StringTemplate(tuple(segments))

    def _script(self) -> dict[str, Any]:
        python, python_at = self._settings.get("python")
        jar, jar_at = self._settings.get("jar")
        if (python is None) == (jar is None):
            fact = "neither python nor jar" if python is None else "both python and jar"
            self.at.add(fact, "use exactly one of them")
            return {}
        args = [self._string(*one) for one in self._settings.get_list("args")]
        files = self._scope.local_files
        if python is not None:
            uri = python.uri if isinstance(python, PythonTable) else python
            check_script(uri, python_at)
            return {"runPython": {"uri": self._file(uri, python_at, files.script), "args": args}}
        main_class = self._string(jar.main_class, jar_at.child("main_class"))
        uri_at = jar_at.child("uri")
        check_script(jar.uri, uri_at)
        return {"runJar": {"uri": self._file(jar.uri, uri_at, files.get), "mainClass": main_class, "args": args}}

    def _file(self, text: str, at: Cursor, read: ReadFile) -> StringTemplate | Slot | str | None:
        """A URI, or the placeholder of a local file. Which one it is may differ from point to point."""
        if is_uri(text.partition("{{")[0]):
            return self._string(text, at)
        binding = self._binding(text, at)
        # A path never comes from the environment: whoever submits must not choose which file leaves this machine.
        if binding is None or (binding.is_secret and self._scope.environ is None):
            return self._string(text, at)

        def render(context: PointContext) -> bytes:
            value = text_of(binding.value(context))
            if binding.is_secret and not is_uri(value):
                raise PointError(at, f"{text} is not a URI once the environment's values are in place", _NO_PATH)
            return encode(value if is_uri(value) else read(value, at).placeholder)

        return Slot(self._cached(binding, render))

    def _dependency(self, table: DependencyTable, at: Cursor) -> dict[str, Any]:
        if (table.pypi is None) == (table.file is None):
            fact = "neither pypi nor file" if table.pypi is None else "both pypi and file"
            at.add(fact, 'use { pypi = "h3" } or { file = "s3://…" }')
            return {}
        if table.file is not None:
            if table.version is not None:
                at.add("a file has no version", "remove version")
            path = self._file(table.file, at.child("file"), self._scope.local_files.dependency)
            return {"sourceType": "FILE", "filePath": path}
        version = None if table.version is None else self._string(table.version, at.child("version"))
        return {
            "sourceType": "PYPI",
            "libraryName": self._string(table.pypi, at.child("pypi")),
            "libraryVersion": version,
        }

    def _cached(self, binding: Binding, make: Callable[[PointContext], T]) -> Callable[[PointContext], T]:
        """``make``, called as seldom as possible; a constant is made now, so that its problems come with the template's."""
        make = self._bounded(make)
        if binding.is_per_run or binding.axes:
            return cached(binding, make, self._scope.axes)
        try:
            value = make(PointContext((), 0, ""))
        except PointError as error:
            error.report()
            return make
        return lambda _: value

    def _bounded(self, make: Callable[[PointContext], T]) -> Callable[[PointContext], T]:
        """``make``, unless all that slots have made would not fit into memory at once."""
        number = len(self._largest)
        self._largest[number] = 0

        def made(context: PointContext) -> T:
            if sum(self._largest.values()) > MOST_BYTES_AT_ONCE:
                raise PointError(self.at, f"its texts have more than {MOST_BYTES_AT_ONCE:,} bytes", _TOO_LARGE)
            value = make(context)
            if isinstance(value, bytes):
                self._largest[number] = max(self._largest[number], len(value))
            return value

        return made


def _inner_renderer(binding: Binding) -> Callable[[PointContext], bytes]:
    return lambda context: encode_inner(text_of(binding.value(context)))
