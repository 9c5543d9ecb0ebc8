import pytest

from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """The clock of the process. A module whose loop should run on it overrides ``anyio_backend``."""
    clock = VirtualClock()
    clock.install(monkeypatch)
    return clock
