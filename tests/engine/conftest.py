"""The engine is tested on both event loops, and where time is part of a rule, on one whose clock jumps."""

import pytest

from tests.engine.virtual_time import VirtualClock
from tests.loops import pytest_generate_tests

__all__ = ["pytest_generate_tests"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """The clock of the process. A module whose loop should run on it overrides ``anyio_backend``."""
    clock = VirtualClock()
    clock.install(monkeypatch)
    return clock
