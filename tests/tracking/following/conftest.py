"""Tracking is tested on a clock that jumps, against an emulator in this process."""

from typing import Any

import pytest

from tests.engine.virtual_time import VirtualClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    clock = VirtualClock()
    clock.install(monkeypatch)
    return clock


@pytest.fixture
def anyio_backend(clock: VirtualClock) -> tuple[str, dict[str, Any]]:
    return clock.backend
