"""The rules of the format, each with the smallest manifest that shows it."""

import pytest

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.manifest import Overrides
from tests.sweep.conftest import Complainer, Planner, arguments, sweep

ONE = '["{{a}}"]'


RANGES = {
    "both ends": ("{ from = 1, to = 3 }", ["1", "2", "3"]),
    "steps that land on to": ("{ from = 0.5, to = 0.7, step = 0.1 }", ["0.5", "0.6", "0.7"]),
    "steps that miss to": ("{ from = 1, to = 6, step = 2 }", ["1", "3", "5"]),
    "downwards": ("{ from = 3, to = 1, step = -1 }", ["3", "2", "1"]),
    "evenly spaced": ("{ from = 0.0, to = 1.0, count = 5 }", ["0.0", "0.25", "0.5", "0.75", "1.0"]),
    "log": ('{ from = 1e-2, to = 1e2, count = 3, scale = "log" }', ["0.01", "1.0", "100.0"]),
    "clamped months": (
        '{ from = 2024-01-31, to = 2024-04-30, step = "1 month" }',
        ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"],
    ),
    "clamped years": ('{ from = 2024-02-29, to = 2025-02-28, step = "1 year" }', ["2024-02-29", "2025-02-28"]),
    "hours": (
        '{ from = 2024-01-01T00:00:00Z, to = 2024-01-01T01:00:00Z, step = "1 hour" }',
        ["2024-01-01T00:00:00+00:00", "2024-01-01T01:00:00+00:00"],
    ),
    "floats as typed": ("[3.10, 1_0.50, 1e-5]", ["3.10", "10.50", "1e-5"]),
    "booleans": ("[true, false]", ["true", "false"]),
    "text as it is": (r"""['{"k": {"v": 1}}', '${spark.x}', '\d{4}', '{{a}}']""",
                      ['{"k": {"v": 1}}', "${spark.x}", r"\d{4}", "{{a}}"]),
}  # fmt: skip


@pytest.mark.parametrize(("source", "values"), RANGES.values(), ids=RANGES)
def test_an_axis_gives_these_values(source: str, values: list[str], planned: Planner) -> None:
    plan = planned(sweep(f"[axes]\na = {source}\n", args=ONE))
    assert arguments(plan) == [[value] for value in values]
    assert plan.runs == len(values)


TEMPLATES = {
    "an escape": ("""'{{"{{"}}a{{"}}"}} {{a}}'""", "{{a}} 7"),
    "a format": ('"{{a:03d}}"', "007"),
    "single braces": ("""'{"a": {"b": "{{a}}"}} ${x} {p,q}*'""", '{"a": {"b": "7"}} ${x} {p,q}*'),
    "what a sweep calls itself": ('"{{sweep}} {{index}} {{count}} {{a}}"', "case 0 1 7"),
}


@pytest.mark.parametrize(("template", "text"), TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_gives_this_text(template: str, text: str, planned: Planner) -> None:
    assert arguments(planned(sweep("[axes]\na = [7]\n", args=f"[{template}]"))) == [[text]]


REFUSED = {
    "nan": ("[axes]\na = [nan]\n", "axes.a: nan cannot be a value"),
    "an empty range": ("[axes]\na = { from = 2, to = 1 }\n", "axes.a: the range is empty"),
    "step and count": ("[axes]\na = { from = 1, to = 2, step = 1, count = 2 }\n", "axes.a: step and count together"),
    "an endless range": ("[axes]\na = { from = 1, to = 99999999999999999999 }\n", "axes.a: the range has 99,999"),
    "numbers beyond arithmetic": ("[axes]\na = { from = 1, to = 1e999999, step = 1e-9 }\n", "axes.a: from is 1"),
    "kinds mixed": ('[axes]\na = [1, "1"]\n', "axes.a: values of more than one kind"),
    "offsets mixed": (
        "[axes]\na = [2024-01-01T00:00:00Z, 2024-01-02T00:00:00]\n",
        "axes.a: values of more than one kind",
    ),
    "an offset tested without": (
        "[axes]\na = [2024-01-01T00:00:00Z]\n[[exclude]]\na = { to = 2024-01-02T00:00:00 }\n",
        "exclude #1: a: the axis holds datetimes, but the test is the datetime without offset",
    ),
    "the same number twice": ("[axes]\na = [1, 1.0]\n", "axes.a: the value 1.0 appears twice"),
    "included already": (
        "[axes]\na = [1, 2]\n[[include]]\na = 2.0\n",
        "include: point 1, {a = 2}, is already in the sweep; remove it",
    ),
    "a circle": ('[axes]\na = [1]\n[derive]\na2 = "{{a3}}{{a}}"\na3 = "{{a2}}"\n', "derive.a3: it depends on itself"),
    "used by what is not used": (
        '[axes]\na = [1]\nb = [2]\n[derive]\nb2 = "{{b}}"\n',
        "axes.b: changes nothing in the run",
    ),
    "nothing left": ("[axes]\na = [1]\n[[exclude]]\na = { from = 0 }\n", "axes: no point is left"),
    "a record of nothing": ("[axes]\na = [{}]\n", "axes.a: a record without fields"),
    "an include of nothing": ("[axes]\na = [1]\n[[include]]\na = []\n", "include #1: a: an empty list adds no point"),
    "includes over the limit": (
        f"[axes]\na = [0]\nb = [0]\n[[include]]\na = {list(range(1, 9999))}\nb = {list(range(1, 9999))}\n",
        "include: 99,960,004 points, over max_points = 1,000; raise it in [submit]",
    ),
    "a product and includes over the limit": (
        "[axes]\na = { from = 1, to = 999 }\n[[exclude]]\na = 5\n[[include]]\na = [1001, 1002, 1003]\n",
        "a(999), less 1, + include(3) = 1,001 points, over max_points = 1,000; raise it in [submit]",
    ),
    "a sample of a sweep over the limit": (
        "[axes]\na = { from = 1, to = 999 }\n[[include]]\na = [1001, 1002]\n[sample]\ncount = 1\nseed = 1\n",
        "a(999) + include(2) = 1,001 points, over max_points = 1,000; raise it in [submit]",
    ),
    "python and jar": (
        '[run.jar]\nuri = "s3://a/b.jar"\nmain_class = "com.acme.B"\n',
        "run: both python and jar; use exactly one of them",
    ),
    "an included point twice": (
        "[axes]\na = [1]\n[[include]]\na = [2, 2.0]\n",
        "include #1: it adds the same point twice; remove one",
    ),
    "a spark key in two spellings": (
        '[axes]\na = [1]\n[run.spark]\nspark.x = 1\n"spark.x" = 2\n',
        "run.spark.spark.x: the key appears twice, nested and in quotes; remove one",
    ),
    "no failures at all": ('[submit]\nstop_after_failures = "0%"\n', 'submit.stop_after_failures: "0%" is neither'),
    "a sample of too many": ("[axes]\na = [1]\n[sample]\ncount = 2\nseed = 1\n", "sample.count: 2 of 1 points"),
}


@pytest.mark.parametrize(("rest", "message"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(rest: str, message: str, complaints: Complainer) -> None:
    assert any(line.startswith(message) for line in complaints(sweep(rest, args=ONE)))


def test_a_run_of_nothing_is_refused(complaints: Complainer) -> None:
    (message,) = complaints(sweep("").replace("python ", "# python "))
    assert message == "run: neither python nor jar; use exactly one of them"


def test_a_format_cannot_fill_the_memory(complaints: Complainer) -> None:
    (message,) = complaints(sweep("[axes]\na = [7]\n", args='["{{a:999999999999d}}"]'))
    assert message.startswith("run.args[0]: the format '999999999999d' does not fit 7")


def test_what_was_substituted_is_never_read_again(planned: Planner) -> None:
    plan = planned(sweep('[axes]\na = ["{{b}}", "{b}"]\nb = [1]\n', args='["{{a}} {{b}}"]'))
    assert arguments(plan) == [["{{b}} 1"], ["{b} 1"]]


class TestEnvironment:
    """``{{env.NAME}}``: in what is sent, never in a key or a name."""

    TEXT = sweep("", args='["{{env.TOKEN}}"]')

    def test_it_is_sent_and_the_key_stays(self, planned: Planner) -> None:
        shown, sent = planned(self.TEXT), planned(self.TEXT, None, {"TOKEN": "secret"})
        assert arguments(shown) == [["<env.TOKEN>"]]
        assert arguments(sent) == [["secret"]]
        assert [run.key for run in shown] == [run.key for run in sent]
        assert sent.environment == {"TOKEN": "secret"}
        assert sent.files == ()

    def test_no_problem_quotes_it(self, complaints: Complainer) -> None:
        text = self.TEXT.replace('"tiny"', '"{{env.TOKEN}}"')
        (message,) = complaints(text, None, {"TOKEN": "not//a-runtime"})
        assert "run.runtime" in message
        assert "not//a-runtime" not in message

    def test_a_name_never_shows_it(self, complaints: Complainer) -> None:
        text = sweep('[derive]\nwho = "{{env.TOKEN}}"\n', args='["{{who}}"]', name="sweep-by-{{who}}")
        (message,) = complaints(text, None, {"TOKEN": "secret"})
        assert message == "run.name: 'who' comes from the environment; a name must not depend on who submits"

    @pytest.mark.parametrize(
        ("environ", "message"),
        [
            ({}, "run.args[0]: the environment has no TOKEN; export TOKEN=…"),
            ({"TOKEN": "\udcff"}, "run.args[0]: the value of TOKEN is not UTF-8; export TOKEN as UTF-8"),
        ],
    )
    def test_a_value_that_cannot_be_sent_is_reported(
        self, environ: dict[str, str], message: str, complaints: Complainer
    ) -> None:
        assert complaints(self.TEXT, None, environ) == [message]

    def test_the_api_key_is_refused(self, complaints: Complainer) -> None:
        (message,) = complaints(sweep("", args='["{{env.WHEROBOTS_API_KEY}}"]'))
        assert "the API key would be sent in every payload" in message


GRID = sweep('[axes]\nregion = ["us", "eu"]\nyear = [1, 2, 3]\n', args='["{{region}}{{year}}"]')
FLAGS = {
    "axis": (Overrides(axis=("year=[9]",)), ["us9", "eu9"]),
    "where text": (Overrides(where=("region=us",)), ["us1", "us2", "us3"]),
    "where twice": (Overrides(where=("region=us", "year={ from = 2 }")), ["us2", "us3"]),
    "where glob": (Overrides(where=('region={ glob = "e*" }', "year=[1]")), ["eu1"]),
}


@pytest.mark.parametrize(("overrides", "left"), FLAGS.values(), ids=FLAGS)
def test_a_flag_wins_over_the_manifest(overrides: Overrides, left: list[str], planned: Planner) -> None:
    assert arguments(planned(GRID, overrides)) == [[one] for one in left]
    assert Overrides.from_json(overrides.to_json()) == overrides


def test_an_override_may_match_only_what_a_flag_leaves_out(planned: Planner, complaints: Complainer) -> None:
    only_eu = '[[override]]\nwhen = { region = "eu" }\nruntime = "large"\n'
    plan = planned(GRID + only_eu, Overrides(where=("region=us",)))
    assert [(hit.rule, hit.points) for hit in plan.hits] == [("override #1", 0)]
    assert complaints(GRID + only_eu.replace("eu", "zz"), Overrides(where=("region=us",)))


def test_a_long_range_is_refused_before_it_is_held(complaints: Complainer) -> None:
    (message,) = complaints(sweep("[axes]\na = { from = 1, to = 900_000_000 }\n", args=ONE))
    assert message.startswith("a(900000000) = 900,000,000 points, over max_points = 1,000")


def test_a_spark_key_is_set_however_it_is_spelt_in_the_manifest(planned: Planner) -> None:
    text = sweep("[run.spark]\nspark.sql.x = 1\nspark.sql.y = 2\n")
    (run,) = planned(text, Overrides(set=("run.spark.spark.sql.x=5",)))
    assert run.payload.environment.spark_configs == {"spark.sql.x": "5", "spark.sql.y": "2"}


@pytest.mark.parametrize("text", ["run = 5\n", "run = 5\nvars = 1\naxes = []\nsample = 1\nsubmit = []\n"])
def test_flags_over_what_is_no_table_are_refused(text: str, planned: Planner) -> None:
    flags = ("run.spark.x=1", "run.runtime=tiny", "vars.x=1")
    with pytest.raises(ManifestError):
        planned(text, Overrides(set=flags, axis=("a=[1]",), sample=1, seed=1, max_points=9))


def test_set_takes_its_type_from_the_key(planned: Planner) -> None:
    (run, *_) = planned(GRID, Overrides(set=("run.version=10", "run.timeout=2h", "run.driver_disk_gb=50")))
    assert arguments(planned(GRID, Overrides(set=('run.args=["{{region}}", "{{year}}"]',))))[0] == ["us", "1"]
    assert (run.payload.version, run.payload.timeout_seconds) == ("10", 7200)
    assert run.payload.environment.spark_driver_disk_gb == 50


def test_a_larger_sample_keeps_the_earlier_picks(planned: Planner) -> None:
    small, large = ({run.key for run in planned(GRID, Overrides(sample=n, seed=7))} for n in (2, 4))
    assert small < large
    assert len(large) == 4


@pytest.mark.parametrize("flag", ["run.timout=1", "run.driver_disk_gb=x", "nonsense", "run.version=\udcff"])
def test_a_flag_that_makes_no_sense_is_refused(flag: str, planned: Planner) -> None:
    with pytest.raises(ManifestError):
        planned(GRID, Overrides(set=(flag,)))
