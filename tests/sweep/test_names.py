import pytest

from tests.sweep.conftest import Complainer, Planner, arguments, sweep

AXES = """\
[axes]
year = [2021, 2022]
day  = { from = 2024-02-28, to = 2024-02-29, step = "1 day" }

[axes.site.zip]
id   = ["nyc", "lax"]
bbox = ["0,0", "1,1"]
"""
USED = '"{{year}} {{day}} {{site.id}}"'


@pytest.mark.parametrize(
    ("placeholder", "message"),
    [
        ("site", "'site' holds records; write {{site.id}}"),
        ("site.bbx", "unknown name 'site.bbx'; did you mean 'site.bbox'?"),
        ("site.q", "unknown name 'site.q'; use one of: site.id, site.bbox"),
        ("year.next", "unknown name 'year.next'; 'year' holds numbers, write {{year}}"),
        ("day.nxt", "unknown name 'day.nxt'; 'day' holds dates, write {{day}}"),
        ("sweeep", "unknown name 'sweeep'; did you mean 'sweep'?"),
        ("env.WHEROBOTS_API_KEY", "the API key would be sent in every payload; do not use env.WHEROBOTS_API_KEY"),
        ("year:q", "the format 'q' does not fit 2021; use a Python format such as 02d, .3f or %Y%m"),
    ],
)
def test_a_name_that_refers_to_nothing_is_reported(placeholder: str, message: str, complaints: Complainer) -> None:
    found = complaints(sweep(AXES, args=f'[{USED}, "{{{{{placeholder}}}}}"]'))
    assert found[0] == f"run.args[1]: {message}"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ("[vars]\na = [1]\n", "vars.a: [1] is not a constant; use a string, number, boolean or date"),
        ('[derive]\na = "{{b}}"\nb = "{{a}}"\n', "derive.b: it depends on itself; break the cycle"),
        ('[derive]\na = "{{c}}"\n', "derive.a: unknown name 'c'; use one of: a, count, hash, index, sweep"),
        (
            '[derive.a]\nlookup = "c"\nmap = {}\n',
            "derive.a.lookup: unknown name 'c'; use one of: a, count, hash, index, sweep",
        ),
        (
            '[derive.a]\nlookup = "sweep"\nmap = { x = 1 }\n',
            "derive.a: no entry for 'case' in map (x) and no default",
        ),
    ],
)
def test_a_constant_or_derived_value_that_cannot_be_used_is_reported(
    tables: str, message: str, complaints: Complainer
) -> None:
    assert complaints(sweep(tables, args='["{{a}}"]'))[0] == message


def test_names_have_these_values(planned: Planner) -> None:
    tables = '[vars]\nout = "s3://acme"\n[derive]\npath = "{{out}}/{{year}}/{{label}}"\n'
    tables += '[derive.label]\nlookup = "year"\nmap = { 2021 = "old" }\ndefault = 7\n'
    used = '"{{path}} {{year:05d}} {{day.next:%d.%m.}} {{site.bbox}} {{index}}/{{count}}"'
    plan = planned(sweep(tables + AXES, args=f"[{used}]"))
    assert [one for (one,) in arguments(plan)][:5] == [
        "s3://acme/2021/old 02021 29.02. 0,0 0/8",
        "s3://acme/2021/old 02021 29.02. 1,1 1/8",
        "s3://acme/2021/old 02021 01.03. 0,0 2/8",
        "s3://acme/2021/old 02021 01.03. 1,1 3/8",
        "s3://acme/2022/7 02022 29.02. 0,0 4/8",
    ]


RULES = [
    "[[exclude]]\ncountry = 1\n",
    "[[include]]\ncountry = 1\n",
    '[[override]]\nwhen = { country = 1 }\nversion = "1"\n',
]


@pytest.mark.parametrize("rule", RULES)
def test_an_unknown_axis_comes_with_a_suggestion(rule: str, complaints: Complainer) -> None:
    place = f"{rule[2:].partition(']')[0]} #1"
    assert f"{place}: unknown axis 'country'; the sweep has no axes" in complaints(sweep(rule))
    assert f"{place}: unknown axis 'country'; use one of: year, day, site" in complaints(
        sweep(AXES + rule, args=f"[{USED}]")
    )
    near = sweep("[axes]\ncounty = [1]\n" + rule, args='["{{county}}"]')
    assert f"{place}: unknown axis 'country'; did you mean 'county'?" in complaints(near)
