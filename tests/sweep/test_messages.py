"""Every message of the format, provoked by a manifest and compared to the letter."""

from pathlib import Path

import pytest

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import build_plan
from tests.sweep.conftest import Complainer, sweep

YEAR = "[axes]\nyear = [2021, 2022]\n"
REGION_YEAR = '[axes]\nregion = ["us-west", "eu"]\nyear = [2021, 2022]\n'
BOTH = '["{{region}}", "{{year}}"]'
TILE_COLUMNS = "tile_id,lon,lat,zone,size\n"
FOURTH = '["a", "b", "c", "%s"]'

CASES = {
    "a misspelt name": (
        sweep(YEAR, args=FOURTH % "{{yaer}}"),
        "run.args[3]: unknown name 'yaer'; did you mean 'year'?",
    ),
    "single braces": (
        sweep(YEAR, args=FOURTH % "{year}"),
        "run.args[3]: '{year}' in single braces; did you mean {{year}}?",
    ),
    "arithmetic": (
        sweep(YEAR, args=FOURTH % "{{year-1}}"),
        "run.args[3]: '{{year-1}}' is not a placeholder; write {{name}} or {{name:format}}",
    ),
    "one name for two points": (
        sweep(REGION_YEAR, args=BOTH, name="ndvi-{{region}}-all"),
        """run.name: 'ndvi-us-west-all' names two points: {region = "us-west", year = 2021} and {… year = 2022}""",
    ),
    "an axis that changes nothing": (
        sweep(YEAR),
        "axes.year: changes nothing in the run; use it, drop it, or list it in allow_unused",
    ),
    "a test of another kind": (
        sweep('[axes]\nres = [10, 30]\n[[exclude]]\nres = "10"\n', args='["{{res}}"]'),
        "exclude #1: res: the axis holds numbers, but the test is the string '10'",
    ),
    "an exclude without a point": (
        sweep(YEAR + "[[exclude]]\nyear = 2030\n", args='["{{year}}"]'),
        "exclude #1: matches no point",
    ),
    "columns of different length": (
        sweep('[axes.site.zip]\nid = ["a", "b"]\nbbox = ["1", "2", "3"]\n', args='["{{site.id}}"]'),
        "axes.site.zip: columns differ in length: id has 2, bbox has 3",
    ),
    "a name too short at the first of two points": (
        sweep("[axes]\nn = [1, 10]\n", args='["{{n}}"]', name="local-{{n}}"),
        "run.name: 'local-1' has 7 characters; use 8 or more",
    ),
    "a value twice": (
        sweep('[axes]\nregion = ["eu", "us", "eu"]\n', args='["{{region}}"]'),
        'axes.region: the value "eu" appears twice',
    ),
    "a column that is not there": (
        sweep('[axes.tile]\nfile = "tiles.csv"\ntypes = { zoen = "int" }\n', args='["{{tile.zone}}"]'),
        "axes.tile.types: no column 'zoen' in tiles.csv (it has tile_id, lon, lat, zone, size)",
    ),
    "a ragged row": (
        sweep('[axes.tile]\nfile = "ragged.csv"\n', args='["{{tile.tile_id}}"]'),
        "ragged.csv:17: 4 cells, but the header has 5",
    ),
    "a value that is not in the map": (
        sweep(
            '[axes]\nsize = ["s", "xl"]\n[derive.rt]\nlookup = "size"\nmap = { s = "a", m = "b", l = "c" }\n',
            args='["{{rt}}"]',
        ),
        "derive.rt: no entry for 'xl' in map (s, m, l) and no default",
    ),
    "an include with a gap": (
        sweep("[axes]\nres = [1]\nyear = [2021]\n[[include]]\nyear = 2022\n", args='["{{res}}", "{{year}}"]'),
        "include #1: no value for axis 'res'",
    ),
    "an override without a point": (
        sweep(YEAR + '[[override]]\nwhen = { year = 2030 }\nruntime = "large"\n', args='["{{year}}"]'),
        "override #1: matches no point",
    ),
    "too many points": (
        sweep("[axes]\na = { from = 1, to = 8420 }\nyear = [1, 2, 3]\n[submit]\nmax_points = 10000\n"),
        "a(8420) × year(3) = 25,260 points, over max_points = 10,000; raise it in [submit]",
    ),
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> None:
    """The files that the cases read."""
    row = "000000,1.0,2.0,9,s\n"
    (tmp_path / "tiles.csv").write_text(TILE_COLUMNS + row, "utf-8")
    rows = [f"{n:06d},1.0,2.0,9,s\n" for n in range(15)]
    (tmp_path / "ragged.csv").write_text(TILE_COLUMNS + "".join(rows) + "000015,1.0,2.0,9\n", "utf-8")


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(("text", "message"), CASES.values(), ids=CASES)
def test_the_message_is_exactly_this(text: str, message: str, complaints: Complainer) -> None:
    assert complaints(text) == [message]


def test_a_key_that_is_a_value_and_a_table_wants_quotes(complaints: Complainer) -> None:
    (message,) = complaints(sweep("[run.spark]\nspark.speculation = true\nspark.speculation.interval = 1\n"))
    assert message.startswith("case.toml:10: ")
    assert "a key is both a value and a table; put quotes around both keys" in message


def test_all_problems_of_a_stage_are_reported_at_once(complaints: Complainer) -> None:
    messages = complaints(sweep(YEAR, args='["{{yaer}}", "{year}", "{{year", "{{nonsense}}"]'))
    assert [line.split(":")[0] for line in messages][:4] == [f"run.args[{n}]" for n in range(4)]


def test_a_file_and_a_line_lead_where_they_are_known(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text(sweep(YEAR, args='["{{yaer}}"]'), "utf-8")
    with pytest.raises(ManifestError) as caught:
        build_plan(Manifest.load(path))
    assert caught.value.problems[0].text().startswith(f"{path}:7: run.args[0]: unknown name 'yaer'")


MISSPELT = {
    "[run]": ("[run]\nruntme = 1\n", "run: unknown key 'runtme'; did you mean 'runtime'?"),
    "[submit]": ("[submit]\nmax_point = 1\n", "submit: unknown key 'max_point'; did you mean 'max_points'?"),
    "the top": ("[axis]\na = [1]\n", "unknown key 'axis'; did you mean 'axes'?"),
    "an override": (
        '[[override]]\nwhen = { a = 1 }\nruntim = "x"\n',
        "override #1: unknown key 'runtim'; did you mean 'runtime'?",
    ),
    "extends": (
        '[extends]\nfile = "x"\n',
        "extends: reserved for a later version; write the whole manifest in one file",
    ),
    "a name overridden": (
        '[[override]]\nwhen = { a = 1 }\nname = "another-name"\n',
        "override #1: 'name' may not be overridden; a run's name comes from run.name alone",
    ),
}


@pytest.mark.parametrize(("table", "message"), MISSPELT.values(), ids=MISSPELT)
def test_an_unknown_key_comes_with_a_suggestion(table: str, message: str, complaints: Complainer) -> None:
    run = '[run]\nruntime = "tiny"\nregion = "r"\npython = "s3://a/b.py"\n'
    text = "version = 1\n" + (run.replace("[run]\n", table) if table.startswith("[run]") else run + table)
    assert message in complaints(text)
