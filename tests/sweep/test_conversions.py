from collections.abc import Callable
from typing import Any

import pytest

from batchrun.sweep.manifest.problems import Cursor, Problems
from batchrun.sweep.render.context import PointError
from batchrun.sweep.render.conversions import as_disk, as_region, as_runtime, as_text, as_timeout, check_script
from batchrun.sweep.values import TypedFloat
from tests.sweep.conftest import reported

Convert = Callable[[Any, Cursor], Any]
DURATION = 'use seconds, or a duration such as "90s", "30m", "2h", "1d"'


@pytest.mark.parametrize(
    ("convert", "value", "sent"),
    [
        (as_text, TypedFloat.parse("3.10"), "3.10"),
        (as_text, True, "true"),
        (as_region, "aws-us-west-2", "aws-us-west-2"),
        (as_runtime, "x-large", "x-large"),
        (as_timeout, 90, 90),
        (as_timeout, 90.0, 90),
        (as_timeout, "2h", 7200),
        (as_timeout, "0.5m", 30),
        (as_disk, 50, 50),
        (as_disk, "050", 50),
    ],
)
def test_a_value_becomes_what_the_service_takes(convert: Convert, value: Any, sent: Any) -> None:
    converted = convert(value, Problems().at("run.key"))
    assert (converted, type(converted)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("convert", "value", "message"),
    [
        (as_region, " ", "run.key: the region is empty; set one, such as aws-us-west-2"),
        (as_runtime, "tyni", "run.key: 'tyni' is not a runtime; did you mean 'tiny'?"),
        (as_timeout, 0.5, f"run.key: 0.5 is not a timeout of a second or more; {DURATION}"),
        (as_timeout, 1.5, f"run.key: 1.5 is not a timeout of a second or more; {DURATION}"),
        (as_timeout, "soon", f'run.key: "soon" is not a timeout of a second or more; {DURATION}'),
        (as_disk, 0, "run.key: 0 is not a size in GB; use a whole number, 1 or more"),
        (as_disk, True, "run.key: true is not a size in GB; use a whole number, 1 or more"),
        (as_disk, "50 GB", 'run.key: "50 GB" is not a size in GB; use a whole number, 1 or more'),
        (as_disk, "²", 'run.key: "²" is not a size in GB; use a whole number, 1 or more'),
    ],
)
def test_other_values_are_refused(convert: Convert, value: Any, message: str) -> None:
    problems = Problems()
    with pytest.raises(PointError) as caught:
        convert(value, problems.at("run.key"))
    assert not problems, "a point that cannot be rendered is reported by whoever renders it"
    caught.value.report()
    assert reported(problems) == [message]


@pytest.mark.parametrize(
    ("uri", "messages"),
    [
        ("s3://acme/job.py", []),
        ("{{bucket}}/job.py", []),
        ("./job.py", []),
        ("", ["run.python: the script's URI is empty; use an s3:// URI, or the path of a local file"]),
        (" ", ["run.python: the script's URI is empty; use an s3:// URI, or the path of a local file"]),
    ],
)
def test_a_script_needs_a_uri_or_a_path(uri: str, messages: list[str]) -> None:
    problems = Problems()
    check_script(uri, problems.at("run.python"))
    assert reported(problems) == messages
