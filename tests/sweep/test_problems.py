import pytest

from batchrun.errors import ManifestError, Problem
from batchrun.sweep.manifest.lines import Lines
from batchrun.sweep.manifest.problems import Problems, did_you_mean
from tests.sweep.conftest import reported


def test_a_cursor_descends_by_keys_and_positions() -> None:
    at = Problems().at("run")
    assert at.child("args").index(3).path == "run.args[3]"
    assert at.child("spark").child("spark.sql.x").path == "run.spark.spark.sql.x"


def test_the_keys_of_a_rule_follow_a_colon_and_theirs_a_dot() -> None:
    problems = Problems()
    assert problems.rule("exclude", 2).child("site.id").path == "exclude #2: site.id"
    assert problems.rule("override", 1).child("jar").child("uri").path == "override #1: jar.uri"
    assert problems.at("axes.tile").child("where").as_rule().child("lat").path == "axes.tile.where: lat"
    assert problems.at("--where").elsewhere("tiles.csv:17").path == "tiles.csv:17"


def test_moving_a_cursor_leaves_the_first_one_where_it_is() -> None:
    at = Problems().at("axes.tile")
    at.child("types").add("a fact")
    assert at.path == "axes.tile"


def test_problems_of_all_cursors_are_raised_together_and_in_order() -> None:
    problems = Problems()
    at = problems.at("axes.tile")
    at.child("types").add("unknown type 'flot'", "did you mean 'float'?")
    at.elsewhere("tiles.csv:17").add("4 cells, but the header has 5")
    assert (problems.count, bool(problems)) == (2, True)
    with pytest.raises(ManifestError) as caught:
        problems.check()
    assert caught.value.problems == (
        Problem("axes.tile.types", "unknown type 'flot'", "did you mean 'float'?"),
        Problem("tiles.csv:17", "4 cells, but the header has 5"),
    )


def test_nothing_reported_passes_the_check() -> None:
    problems = Problems()
    problems.at("run").child("name")
    problems.check()
    assert not problems


def test_the_same_problem_at_the_same_place_counts_once() -> None:
    problems = Problems()
    for place in ("run.args[0]", "run.args[0]", "run.args[1]"):
        problems.at(place).add("unknown name 'yaer'")
    assert reported(problems) == ["run.args[0]: unknown name 'yaer'", "run.args[1]: unknown name 'yaer'"]


def test_a_failure_carries_what_was_reported_before_it() -> None:
    problems = Problems()
    problems.at("axes.a").add("no values")
    with pytest.raises(ManifestError) as caught:
        problems.at("").fail("a(2) = 2 points, over max_points = 1")
    assert [problem.fact for problem in caught.value.problems] == ["no values", "a(2) = 2 points, over max_points = 1"]


def test_places_get_the_line_of_the_manifest_but_not_those_of_other_files() -> None:
    problems = Problems(Lines('version = 1\n[run]\nargs = ["a",\n  "{{b}}"]\n'), "sweep.toml")
    problems.at("run").child("args").index(1).add("unknown name 'b'")
    problems.at("tiles.csv:17").add("not UTF-8")
    assert reported(problems) == ["sweep.toml:3: run.args[1]: unknown name 'b'", "tiles.csv:17: not UTF-8"]


def test_without_a_file_there_is_no_line() -> None:
    problems = Problems(Lines("[run]\n"), None)
    problems.at("run").add("no 'region'")
    assert reported(problems) == ["run: no 'region'"]


@pytest.mark.parametrize(
    ("name", "known", "fix"),
    [
        ("yaer", ["region", "year"], "did you mean 'year'?"),
        ("country", ["res", "year"], "use one of: res, year"),
        ("country", [], "the sweep has no axes"),
    ],
)
def test_a_suggestion_is_the_closest_name_or_all_names(name: str, known: list[str], fix: str) -> None:
    assert did_you_mean(name, known, otherwise="the sweep has no axes") == fix


def test_a_prefix_is_shown_and_not_compared() -> None:
    assert did_you_mean("idd", ["id", "bbox"], prefix="site.") == "did you mean 'site.id'?"
    assert did_you_mean("q", ["id", "bbox"], prefix="site.") == "use one of: site.id, site.bbox"
