"""Resolve a placeholder's name: an axis, a field, a variable, a derived value, or one of the sweep's own names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.manifest.problems import Cursor, Problems, did_you_mean
from batchrun.sweep.manifest.tables import LookupTable
from batchrun.sweep.points.axes import Axis
from batchrun.sweep.render.context import NO_AXES, Binding, PointContext, PointError, constant, remembered
from batchrun.sweep.render.formats import formatted
from batchrun.sweep.render.local_files import LocalFiles
from batchrun.sweep.render.template import Placeholder, Template, parse_template
from batchrun.sweep.values import Kind, Value, as_toml, is_text, kind_of, text_of

__all__ = ["Scope"]

API_KEY = "WHEROBOTS_API_KEY"

LONGEST_TEXT = 1 << 20
"""Characters of one rendered text. Values within values multiply: a manifest of a kilobyte could ask for terabytes."""
NO_ENVIRONMENT = "a name must not depend on who submits"


@dataclass(slots=True)
class Scope:
    """All names of one manifest. ``environ`` gives ``env.NAME`` its values; without it they appear as ``<env.NAME>``."""

    manifest: Manifest
    axes: list[Axis]
    count: int
    environ: Mapping[str, str] | None
    problems: Problems
    local_files: LocalFiles
    used: set[str] = field(default_factory=set)
    """The axes that some template or override depends on. A run's name does not count: it changes nothing in the run."""
    env_used: set[str] = field(default_factory=set)
    _derived: dict[str, Binding | None] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """Every name that a placeholder can refer to, other than ``env.NAME``."""
        names = {"sweep", "hash", "index", "count", *self.manifest.tables.vars, *self.manifest.tables.derive}
        for axis in self.axes:
            names |= {f"{axis.name}.{column}" for column in axis.field_kinds} or {axis.name}
            names |= {f"{axis.name}.next"} if axis.next_values is not None else set()
        return names

    def template(self, text: str, at: Cursor) -> Template:
        return parse_template(text, at, self.known)

    def render(self, template: Template, *, in_name: bool = False) -> Binding | None:
        """A whole template as one value: text, or the value itself if the template is a single placeholder."""
        if (sole := template.sole) is not None:
            return self.resolve(sole.name, template.at, in_name=in_name)
        parts = [
            constant(part) if isinstance(part, str) else self._render(part, template.at, in_name=in_name)
            for part in template.parts
        ]
        whole = [part for part in parts if part is not None]
        if len(whole) < len(parts):
            return None
        return Binding(
            NO_AXES.union(*(part.axes for part in whole)),
            lambda context: _joined([part.value(context) for part in whole], template.at),
            is_per_run=any(part.is_per_run for part in whole),
            is_secret=any(part.is_secret for part in whole),
        )

    def _render(self, part: Placeholder, at: Cursor, *, in_name: bool) -> Binding | None:
        """A placeholder as text."""
        binding = self.resolve(part.name, at, in_name=in_name)
        if binding is None:
            return None
        return Binding(
            binding.axes,
            lambda context: formatted(binding.value(context), part, at),
            binding.is_per_run,
            binding.is_secret,
        )

    def resolve(self, name: str, at: Cursor, *, in_name: bool = False) -> Binding | None:
        """What a name refers to, or None with a problem."""
        head, _, column = name.partition(".")
        tables = self.manifest.tables
        if head == "env" and column:
            return self._environment(column, at, in_name=in_name)
        for number, axis in enumerate(self.axes):
            if axis.name == head:
                if not in_name:
                    self.used.add(head)
                return self._of_axis(number, axis, column, at)
        if name in tables.vars:
            return self._variable(name)
        if name in tables.derive:
            return self._derivation(name, at, in_name=in_name)
        return self._of_sweep(name, at)

    def _derivation(self, name: str, at: Cursor, *, in_name: bool) -> Binding | None:
        """A ``[derive]`` value; made once, however many templates use it."""
        if name not in self._derived:
            self._derived[name] = None  # found again on the way: it depends on itself
            used = set(self.used)  # a derived value uses its axes only where it is used itself
            derived = self._derive(name)
            self._derived[name] = None if derived is None else remembered(derived)
            self.used = used
            if self._derived[name] is None and not self.problems:
                self.problems.at("derive").child(name).add("it depends on itself", "break the cycle")
        binding = self._derived[name]
        if binding is None:
            return None
        if in_name and binding.is_secret:
            at.add(f"'{name}' comes from the environment", NO_ENVIRONMENT)
            return None
        if not in_name:
            self.used |= {self.axes[number].name for number in binding.axes}
        return binding

    def _derive(self, name: str) -> Binding | None:
        source = self.manifest.tables.derive[name]
        at = self.problems.at("derive").child(name)
        if isinstance(source, LookupTable):
            return self._lookup(source, at)
        return self.render(self.template(source, at))

    def _lookup(self, table: LookupTable, at: Cursor) -> Binding | None:
        binding = self.resolve(table.lookup, at.child("lookup"))
        if binding is None:
            return None

        def value(context: PointContext) -> Value:
            text = text_of(binding.value(context))  # TOML's keys are text
            found = table.map.get(text, table.default)
            if found is None:
                raise PointError(at, f"no entry for '{text}' in map ({', '.join(table.map)}) and no default")
            return found

        return Binding(binding.axes, value, binding.is_per_run, binding.is_secret)

    def _of_sweep(self, name: str, at: Cursor) -> Binding | None:
        match name:
            case "sweep":
                return constant(self.manifest.name)
            case "count":
                return constant(self.count)
            case "index":
                return Binding(NO_AXES, lambda context: context.index, is_per_run=True)
            case "hash":
                return Binding(NO_AXES, lambda context: context.hash, is_per_run=True)
            case _:
                at.add(f"unknown name '{name}'", did_you_mean(name, sorted(self.known)))
                return None

    def _environment(self, name: str, at: Cursor, *, in_name: bool) -> Binding | None:
        if in_name:
            at.add(f"env.{name} in a run's name", NO_ENVIRONMENT)
            return None
        if name == API_KEY:  # whoever can list runs can read their arguments
            at.add("the API key would be sent in every payload", f"do not use env.{name}")
            return None
        self.env_used.add(name)
        if self.environ is None:
            return Binding(NO_AXES, lambda _: f"<env.{name}>", is_secret=True)
        if name not in self.environ:
            at.add(f"the environment has no {name}", f"export {name}=…")
            return None
        value = self.environ[name]
        if not is_text(value):
            at.add(f"the value of {name} is not UTF-8", f"export {name} as UTF-8")
            return None
        self.problems.secrets.add_values([value])
        return Binding(NO_AXES, lambda _: value, is_secret=True)

    @staticmethod
    def _of_axis(number: int, axis: Axis, column: str, at: Cursor) -> Binding | None:
        axes, values, next_values = frozenset({number}), axis.values, axis.next_values
        if column == "next" and next_values is not None:
            return Binding(axes, lambda context: next_values[context.point[number]])
        if axis.kind is Kind.RECORD:
            if column in axis.field_kinds:
                return Binding(axes, lambda context: values[context.point[number]][column])
            fields = list(axis.field_kinds)
            if column:
                fix = did_you_mean(column, fields, prefix=f"{axis.name}.")
                at.add(f"unknown name '{axis.name}.{column}'", fix)
            else:
                at.add(f"'{axis.name}' holds records", f"write {{{{{axis.name}.{fields[0]}}}}}")
            return None
        if column:
            fact = f"unknown name '{axis.name}.{column}'"
            at.add(fact, f"'{axis.name}' holds {axis.kind.plural}, write {{{{{axis.name}}}}}")
            return None
        return Binding(axes, lambda context: values[context.point[number]])

    def _variable(self, name: str) -> Binding | None:
        value = self.manifest.tables.vars[name]
        if kind_of(value) in {None, Kind.RECORD}:
            at = self.problems.at("vars").child(name)
            at.add(f"{as_toml(value)} is not a constant", "use a string, number, boolean or date")
            return None
        return constant(value)


def _joined(parts: list[str], at: Cursor) -> str:
    # Summed before it is joined: the parts are shared, the whole would be a copy.
    if sum(map(len, parts)) > LONGEST_TEXT:
        raise PointError(at, f"the text has more than {LONGEST_TEXT:,} characters", "put large data into a file")
    return "".join(parts)
