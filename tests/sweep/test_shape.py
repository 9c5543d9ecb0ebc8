from typing import Any

import pytest

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.manifest.shape import checked_tables, place_of

SHARE = 'use a count such as 25, or a share such as "5%"'
RUN = {"runtime": "tiny", "region": "r", "python": "s3://a/b.py"}


@pytest.mark.parametrize(
    ("loc", "place"),
    [
        ((), ""),
        (("run", "args", 3), "run.args[3]"),
        (("exclude", 0), "exclude #1"),
        (("exclude", 0, "res"), "exclude #1: res"),
        (("override", 1, "add_dependencies", 0, "file"), "override #2: add_dependencies[0].file"),
        (("run", "dependencies", 0, "pypi"), "run.dependencies[0].pypi"),
    ],
)
def test_a_location_reads_like_the_manifest(loc: tuple[Any, ...], place: str) -> None:
    assert place_of(loc) == place


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": (
        {},
        [
            "version: the manifest has no version; add version = 1 as its first line",
            "run: the manifest has no [run] table; add one; it sets what every run sends",
        ],
    ),
    "a later version": (
        {"version": 2, "run": RUN}, ["version: 2 is not a supported format version; write version = 1"],
    ),
    "types": (
        {"version": 1, "run": {**RUN, "name": 3, "args": "a"}, "sample": {"count": "9", "seed": 1}, "axes": []},
        [
            "run.name: invalid value 3; use a string",
            'run.args: invalid value "a"; use a list',
            "axes: invalid value []; use a table",
            'sample.count: invalid value "9"; use a whole number',
        ],
    ),
    "bounds": (
        {"version": 1, "run": RUN, "submit": {"max_points": 0, "rate": 0.0}},
        [
            "submit.max_points: invalid value 0; use a value greater than or equal to 1",
            "submit.rate: invalid value 0.0; use a value greater than 0",
        ],
    ),
    "a missing key": (
        {"version": 1, "run": {**RUN, "jar": {"uri": "s3://a"}}, "sample": {"count": 1}},
        ["run.jar: no 'main_class'; add main_class = …", "sample: no 'seed'; add seed = …"],
    ),
    "durations and shares": (
        {"version": 1, "run": RUN, "submit": {"settle_after": "soon", "stop_after_failures": 10**400}},
        [
            'submit.settle_after: "soon" is not a duration; use seconds, or a duration such as "90s", "30m", "2h", "1d"',
            f"submit.stop_after_failures: {10**400} is neither a count nor a share; {SHARE}",
        ],
    ),
    "a long value": (
        {"version": 1, "run": {**RUN, "region": ["x" * 99]}},
        [f'run.region: invalid value ["{"x" * 55}…; use a string'],
    ),
    "an unknown key of a nested table": (
        {"version": 1, "run": {**RUN, "dependencies": [{"pipy": "h3"}]}},
        ["run.dependencies[0]: unknown key 'pipy'; did you mean 'pypi'?"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("document", "messages"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_shape_is_reported_in_the_manifests_words(document: dict[str, Any], messages: list[str]) -> None:
    with pytest.raises(ManifestError) as caught:
        checked_tables(document, Problems())
    assert [problem.text() for problem in caught.value.problems] == messages


@pytest.mark.parametrize(
    ("given", "value"), [(25, 25.0), (25.0, 25.0), ("5%", 0.05), (" 12.5 % ", 0.125), (0.5, 0.5), (None, None)]
)
def test_failures_are_a_count_or_a_share(given: Any, value: float | None) -> None:
    submit = {} if given is None else {"stop_after_failures": given}
    assert checked_tables({"version": 1, "run": RUN, "submit": submit}, Problems()).submit.stop_after_failures == value
