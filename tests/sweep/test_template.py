import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.render.template import Placeholder, Template, parse_template
from tests.sweep.conftest import reported

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,5}(\.[a-z]{1,4})?", fullmatch=True)
FORMATS = st.sampled_from(["", "02d", ".3f", "%Y-%m"])
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="{}"), min_size=1, max_size=8)


def parsed(text: str) -> Template:
    problems = Problems()
    template = parse_template(text, problems.at("run.args[0]"), {"year"})
    assert reported(problems) == []
    return template


@given(st.lists(PLAIN | st.builds(Placeholder, NAMES, FORMATS), max_size=6))
def test_what_is_written_is_parsed(parts: list[str | Placeholder]) -> None:
    text = ""
    wanted: list[str | Placeholder] = []
    for part in parts:
        if isinstance(part, Placeholder):
            text += f"{{{{{part.name}:{part.format}}}}}" if part.format else f"{{{{{part.name}}}}}"
            wanted.append(part)
        else:
            text += part
            wanted[-1:] = [wanted[-1] + part] if wanted and isinstance(wanted[-1], str) else [*wanted[-1:], part]
    assert parsed(text).parts == tuple(wanted)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("{{ year : 02d }}", (Placeholder("year", "02d"),)),
        ('{{"{{"}}year{{ "}}" }}', ("{{", "year", "}}")),
        ('{"a": {"b": "{{year}}"}}', ('{"a": {"b": "', Placeholder("year"), '"}}')),
        ("${year} {month} {a,b}/*.{csv,json} \\d{4}", ("${year} {month} {a,b}/*.{csv,json} \\d{4}",)),
        ("}}{{year}}", ("}}", Placeholder("year"))),
    ],
)
def test_braces_are_read_like_this(text: str, parts: tuple[str | Placeholder, ...]) -> None:
    assert parsed(text).parts == parts


@pytest.mark.parametrize(
    "text", ["{{year-1}}", "{{a.b.c}}", "{{}}", "{{ {{year}} }}", "{{year", "{{1st}}", "{{year|upper}}"]
)
def test_nothing_but_a_name_and_a_format_is_a_placeholder(text: str) -> None:
    problems = Problems()
    parse_template(text, problems.at("run.args[0]"), set())
    assert reported(problems)[0].endswith("is not a placeholder; write {{name}} or {{name:format}}")


def test_every_mistake_of_a_template_is_reported() -> None:
    problems = Problems()
    parse_template("{year}{{a b}}{month}{year}{{", problems.at("run.args[0]"), {"year", "month"})
    assert reported(problems) == [
        "run.args[0]: '{year}' in single braces; did you mean {{year}}?",
        "run.args[0]: '{{a b}}' is not a placeholder; write {{name}} or {{name:format}}",
        "run.args[0]: '{month}' in single braces; did you mean {{month}}?",
        "run.args[0]: '{{' is not a placeholder; write {{name}} or {{name:format}}",
    ]


@pytest.mark.parametrize(
    ("text", "is_sole"), [("{{year}}", True), ("{{year:d}}", False), ("a{{year}}", False), ("a", False)]
)
def test_only_a_placeholder_alone_and_without_format_keeps_its_type(text: str, is_sole: bool) -> None:
    assert (parsed(text).sole is not None) is is_sole
