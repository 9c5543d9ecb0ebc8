"""The fixture ``wherobots_emulator`` for tests of whatever speaks to Wherobots Cloud.

Load it with ``pytest_plugins = ["batchrun.pytest_plugin"]`` in the top ``conftest.py``; the marker
``@pytest.mark.emulator(run_s=1.0, faults={"conflict": 0.1})`` gives settings to one test.
"""

from collections.abc import Iterator

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import layered

__all__ = ["pytest_configure", "wherobots_emulator"]

KEY = "emulator"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "emulator(**settings): settings of the emulator that a test gets")


@pytest.fixture
def wherobots_emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    """A fresh emulator on a free loopback port; the environment points to it, with a key that it accepts."""
    marker = request.node.get_closest_marker("emulator")
    settings = layered(None, dict(marker.kwargs) if marker else {})
    with EmulatorServer(settings) as server:
        monkeypatch.setenv("WHEROBOTS_API_BASE_URL", server.url)
        monkeypatch.setenv("WHEROBOTS_API_KEY", settings.api_key or KEY)
        yield server
