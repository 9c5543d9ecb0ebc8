import copy
from typing import Any

import pytest

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.overlay import SETTABLE, lay_over
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.manifest.shape import checked_tables
from batchrun.sweep.manifest.source import Overrides

DOCUMENT = {
    "version": 1,
    "vars": {"out": "s3://acme", "year": 2024},
    "run": {"timeout": 60, "spark": {"spark": {"sql": {"x": 1, "y": 2}}, "spark.z": 3}},
    "axes": {"year": [2021]},
}


def changed(overrides: Overrides, *path: str) -> Any:
    node: Any = lay_over(DOCUMENT, overrides)
    for part in path:
        node = node[part]
    return node


@pytest.mark.parametrize(
    ("pair", "path", "value"),
    [
        ("run.version=3.10", ("run", "version"), "3.10"),
        ("run.timeout = 2h ", ("run", "timeout"), "2h"),
        ("run.args=['a=b', 'c']", ("run", "args"), ["a=b", "c"]),
        ("run.jar.uri=s3://a=b.jar", ("run", "jar", "uri"), "s3://a=b.jar"),
        ("run.driver_disk_gb=50", ("run", "driver_disk_gb"), 50),
        ("submit.rate=2.5", ("submit", "rate"), 2.5),
        ("submit.rate=fast", ("submit", "rate"), "fast"),
        ("vars.out=7", ("vars", "out"), "7"),
        ("vars.year=7", ("vars", "year"), 7),
        ("run.spark.spark.sql.x=5", ("run", "spark"), {"spark": {"sql": {"y": 2}}, "spark.z": 3, "spark.sql.x": "5"}),
        ("run.spark.spark.z=5", ("run", "spark", "spark.z"), "5"),
    ],
)
def test_a_value_gets_the_type_of_its_key(pair: str, path: tuple[str, ...], value: Any) -> None:
    assert changed(Overrides(set=(pair,)), *path) == value


def test_the_manifest_itself_stays_as_it_is() -> None:
    before = copy.deepcopy(DOCUMENT)
    lay_over(DOCUMENT, Overrides(set=("vars.out=x",), axis=("year=[1]",), sample=1, seed=2, max_points=3))
    assert before == DOCUMENT


def test_other_flags_have_tables_of_their_own() -> None:
    overrides = Overrides(axis=("year={ from = 1, to = 3 }",), sample=5, seed=7, max_points=9)
    assert changed(overrides, "axes", "year") == {"from": 1, "to": 3}
    assert changed(overrides, "sample") == {"count": 5, "seed": 7}
    assert changed(overrides, "submit") == {"max_points": 9}


@pytest.mark.parametrize("key", SETTABLE)
def test_every_key_that_can_be_set_is_a_key_of_the_manifest(key: str) -> None:
    document = lay_over({"version": 1, "run": {}}, Overrides(set=(f"{key}=1",)))
    messages: list[str] = []
    try:
        checked_tables(document, Problems())
    except ManifestError as error:
        messages = [problem.fact for problem in error.problems]
    assert not any(message.startswith("unknown key") for message in messages)


REFUSED = {
    "an unknown key": (Overrides(set=("run.timout=1",)), ["--set run.timout: unknown setting; did you mean 'run.timeout'?"]),
    "no value": (Overrides(set=("run.timeout",)), ["--set: 'run.timeout' is not KEY=VALUE; write --set KEY=VALUE"]),
    "no key": (Overrides(axis=("=[1]",)), ["--axis: '=[1]' is not KEY=VALUE; write --axis KEY=VALUE"]),
    "an unknown variable": (
        Overrides(set=("vars.outt=1",)), ["--set vars.outt: the manifest has no such variable; did you mean 'out'?"],
    ),
    "an unknown axis": (
        Overrides(axis=("country=[1]",)), ["--axis country: the manifest has no such axis; use one of: year"],
    ),
    "an axis that is not TOML": (
        Overrides(axis=("year=[1",)),
        ["--axis year: unclosed array; write an axis source in TOML, such as --axis year='[1, 2]'"],
    ),
    "a table that is a value": (
        Overrides(set=("vars.out.x=1", "run.jar.uri=a", "run.timeout.x=2")),
        [
            "--set vars.out.x: the manifest has no such variable; did you mean 'out'?",
            "--set run.timeout.x: unknown setting; did you mean 'run.timeout'?",
        ],
    ),
    "a sample without a seed": (
        Overrides(sample=3),
        ["--sample: a sample needs a seed; add --seed 1, so that the sample is the same every time"],
    ),
    "a seed without a sample": (Overrides(seed=3), ["--seed: a seed without a sample; add --sample N"]),
    "no text": (Overrides(set=("vars.out=\udcff",)), [r"'vars.out=\udcff' is not UTF-8; pass valid UTF-8"]),
}  # fmt: skip


@pytest.mark.parametrize(("overrides", "messages"), REFUSED.values(), ids=REFUSED)
def test_a_flag_that_cannot_be_used_is_reported(overrides: Overrides, messages: list[str]) -> None:
    with pytest.raises(ManifestError) as caught:
        lay_over(DOCUMENT, overrides)
    assert [problem.text() for problem in caught.value.problems] == messages


def test_a_manifest_without_variables_or_axes_says_where_to_add_them() -> None:
    with pytest.raises(ManifestError) as caught:
        lay_over({"run": "x"}, Overrides(set=("vars.x=1", "run.name=y"), axis=("a=[1]",)))
    assert [problem.text() for problem in caught.value.problems] == [
        "--set vars.x: the manifest has no such variable; add it to [vars]",
        "--set run.name: 'run' is not a table in the manifest; write it as a table",
        "--axis a: the manifest has no such axis; add it to [axes]",
    ]
