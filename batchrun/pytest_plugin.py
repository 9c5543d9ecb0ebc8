"""The fixture ``wherobots_emulator``, for tests of any client of Wherobots Cloud.

Load it with ``pytest_plugins = ["batchrun.pytest_plugin"]`` in the top-level ``conftest.py``; the marker
``@pytest.mark.emulator(run_s=1.0, faults={"conflict": 0.1})`` configures the emulator of one test.
``wherobots_emulator.url`` is its base URL; ``wherobots_emulator.runs()`` returns the runs that were actually created.
"""

from collections.abc import Iterator

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import load_settings

__all__ = ["pytest_configure", "wherobots_emulator"]

KEY = "emulator"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "emulator(**settings): settings of the wherobots_emulator fixture")


@pytest.fixture
def wherobots_emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    """An emulator on a free loopback port. The environment is set to its URL and to an API key that it accepts."""
    marker = request.node.get_closest_marker("emulator")
    settings = load_settings(None, dict(marker.kwargs) if marker else {})
    with EmulatorServer(settings) as server:
        monkeypatch.setenv("WHEROBOTS_API_BASE_URL", server.url)
        monkeypatch.setenv("WHEROBOTS_API_KEY", settings.api_key or KEY)
        yield server
