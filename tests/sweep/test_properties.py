"""Properties of every sweep, and that any text, however mangled, is planned or refused with a ManifestError."""

import re
import tempfile
from itertools import product
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.manifest import Manifest, Overrides
from batchrun.sweep.plan import Plan, build_plan
from batchrun.wherobots.identity import payload_json, run_key
from tests.sweep.conftest import MANIFESTS, arguments, sweep

TEXTS = {path.stem: path.read_text("utf-8") for path in MANIFESTS.glob("*.toml")}
VALUES = st.lists(st.integers(-1000, 1000), min_size=1, max_size=5, unique=True)
PRINTABLE = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc"]), max_size=12)


def plan_of(text: str, overrides: Overrides | None = None) -> Plan:
    overrides = overrides or Overrides()
    manifest = Manifest.parse(text, name="case", directory=MANIFESTS, overrides=overrides, environ={})
    return build_plan(manifest)


def grid(*axes: list[int], more: str = "") -> str:
    """A sweep of number axes, all of them used."""
    lines = "".join(f"x{n} = {values}\n" for n, values in enumerate(axes))
    used = ", ".join(f'"{{{{x{n}}}}}"' for n in range(len(axes)))
    return sweep(f"[axes]\n{lines}{more}", args=f"[{used}]")


def toml_string(text: str) -> str:
    """A TOML basic string of any text without control characters."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_the_first_axis_varies_slowest_and_the_count_is_kept(axes: list[list[int]]) -> None:
    plan = plan_of(grid(*axes))
    wanted = [[str(value) for value in point] for point in product(*axes)]
    assert arguments(plan) == wanted
    assert plan.runs == len(wanted) == plan.steps[-1].count


@given(VALUES, VALUES, st.integers(2000, 3000))
def test_an_inserted_value_leaves_other_keys_alone(first: list[int], second: list[int], inserted: int) -> None:
    before = {run.key for run in plan_of(grid(first, second))}
    after = {run.key for run in plan_of(grid([inserted, *first], second))}
    assert before < after
    assert len(after) == len(before) + len(second)


@given(VALUES, VALUES, st.integers(0, 2**40), st.data())
def test_a_growing_sample_keeps_its_picks(first: list[int], second: list[int], seed: int, data: st.DataObject) -> None:
    total = len(first) * len(second)
    size = data.draw(st.integers(1, total))
    picks = [[run.key for run in plan_of(grid(first, second), Overrides(sample=n, seed=seed))] for n in (size, total)]
    assert set(picks[0]) <= set(picks[1])
    assert picks[0] == [key for key in picks[1] if key in set(picks[0])]


@given(st.lists(PRINTABLE, min_size=1, max_size=4, unique=True))
def test_substituted_text_arrives_as_it_is(texts: list[str]) -> None:
    values = ", ".join(toml_string(text) for text in texts)
    plan = plan_of(sweep(f"[axes]\na = [{values}]\n", args='["<{{a}}>", "{{a}}{{a}}"]'))
    assert arguments(plan) == [[f"<{text}>", text + text] for text in texts]
    for run in plan:
        assert run.body == payload_json(run.payload)
        assert run.key == run_key(run.region, run.body)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,5})\.[0-9]{1,6}([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_a_float_prints_as_typed(typed: str) -> None:
    assert arguments(plan_of(sweep(f"[axes]\na = [{typed}]\n", args='["{{a}}"]'))) == [[typed]]


@given(st.integers(-50, 50), st.integers(0, 40), st.integers(1, 7))
def test_a_range_has_its_end_where_a_step_lands_on_it(start: int, steps: int, by_tenths: int) -> None:
    stop = start * 10 + steps * by_tenths
    text = f"{{ from = {start}.0, to = {stop / 10:.1f}, step = 0.{by_tenths} }}"
    plan = plan_of(sweep(f"[axes]\na = {text}\n", args='["{{a}}"]'))
    assert [value for (value,) in arguments(plan)] == [str((start * 10 + n * by_tenths) / 10) for n in range(steps + 1)]


SNIPPETS = ["{{", "}}", "{{a.b}}", "[[", "]]", "= ", '"', "'''", "\n[axes]\n", "nan", "-1e999", "2024-02-30", "\x00", "[run.x]\n",
            "{ from = 1, to = 2 }", "{ not = { glob = 1 } }", "{{env.X}}", "9" * 400, "true", "[]", "{}", "\ufeff", "é",
            "step = 0", "count = 0", "region", "spark", "12:00:00", "{{site}}", "{{month:%Q}}"]  # fmt: skip


_VALUE = re.compile(r"(?<== )(?:\"[^\"\n]*\"|\[[^\]]*\]|\{[^}]*\}|[\w.:-]+)")
VALUES_TOML = st.recursive(
    st.sampled_from(
        ['"x"', '""', "0", "-1", "1.5", "nan", "true", "2024-01-31", "2024-01-01T00:00:00Z", "12:00:00", "9" * 400, '"{{region}}"',
         '"{{site}}"', '"{{env.X}}"', '"{{index:q}}"', "2024-01-01T00:00:00", '"{{month.next:%Q}}"', '"1 month"', '"tiles.csv"', '"-"'],
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda found: f"[{', '.join(found)}]")
    | st.dictionaries(
        st.sampled_from(["from", "to", "step", "count", "not", "glob", "file", "zip", "id", "lookup", "map", "where", "types", "rename",
                         "columns", "missing", "uri", "pypi", "site", "region", "month"]),
        inner, max_size=3,
    ).map(lambda found: "{ " + ", ".join(f"{key} = {value}" for key, value in found.items()) + " }"),
    max_leaves=6,
)  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """An example with pieces cut out, moved, doubled or put in."""
    text = draw(st.sampled_from(sorted(TEXTS.values())))
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):  # a value put in the place of another, so that much of it stays TOML
            spans = [found.span() for found in _VALUE.finditer(text)] or [(0, 0)]
            here, there = draw(st.sampled_from(spans))
            text = text[:here] + draw(VALUES_TOML) + text[there:]
            continue
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 25)))
        text = text[:start] + draw(st.sampled_from(SNIPPETS) | st.just(text[start:stop] * 2)) + text[stop:]
    return text


@settings(max_examples=300)
@given(mangled())
def test_a_mangled_manifest_is_planned_or_refused(text: str) -> None:
    try:
        plan = plan_of(text, Overrides(max_points=1000))
    except ManifestError:
        return
    assert plan.runs == sum(1 for _ in plan)


@settings(max_examples=150)
@given(st.binary(max_size=60) | st.text(alphabet='a,b"\n\r1\u00e9\x00', max_size=40).map(str.encode), st.booleans())
def test_a_mangled_file_is_read_or_refused(data: bytes, is_json: bool) -> None:
    name = "t.jsonl" if is_json else "t.csv"
    text = sweep(f'[axes.t]\nfile = "{name}"\n', args='["{{t.a}}"]')
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / name).write_bytes(data)
        try:
            plan = build_plan(Manifest.parse(text, name="case", directory=Path(directory)))
        except ManifestError:
            return
        assert plan.runs == sum(1 for _ in plan)
