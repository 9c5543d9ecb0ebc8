"""The fixture for users' own tests, used as they would use it."""

import os
import re
from pathlib import Path

import httpx
import pytest

from batchrun.emulator.http.server import EmulatorServer

pytest_plugins = ["pytester"]

USERS_TEST = """
import os, httpx, pytest

@pytest.mark.emulator(faults={"conflict": 1})
def test_with_settings(wherobots_emulator):
    url, key = os.environ["WHEROBOTS_API_BASE_URL"], os.environ["WHEROBOTS_API_KEY"]
    assert url == wherobots_emulator.url
    body = {"runtime": "tiny", "name": "users-own-test"}
    assert httpx.post(f"{url}/runs?region=r", headers={"X-API-Key": key}, json=body).status_code == 409

def test_without(wherobots_emulator):
    assert wherobots_emulator.runs() == []
"""
PAGE = (Path(__file__).parents[1] / "docs" / "emulator.md").read_text("utf-8")


def test_the_fixture_gives_an_emulator_with_the_settings_of_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["batchrun.pytest_plugin"]')
    pytester.makepyfile(USERS_TEST)
    result = pytester.runpytest_subprocess("--strict-markers", "-q", "-pno:schemathesis")
    result.assert_outcomes(passed=2)


def test_the_documented_test_creates_a_run_and_passes(pytester: pytest.Pytester) -> None:
    files = {
        block.splitlines()[0].removeprefix("# "): block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    }
    pytester.makeconftest(files["conftest.py"])
    pytester.makepyfile(files["test_my_client.py"])
    pytester.runpytest_subprocess("--strict-markers", "-q", "-pno:schemathesis").assert_outcomes(passed=1)


def test_the_fixture_lists_what_was_created() -> None:
    with EmulatorServer() as server:
        body = {"runtime": "tiny", "name": "users-own-test"}
        httpx.post(f"{server.url}/runs?region=r", headers={"X-API-Key": "k"}, json=body).raise_for_status()
        assert [(run["name"], run["region"], run["status"]) for run in server.runs()] == [
            ("users-own-test", "r", "PENDING")
        ]


def test_an_emulator_is_gone_after_its_test() -> None:
    with EmulatorServer() as server:
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert "WHEROBOTS_API_KEY" not in os.environ
