"""A service of the test's own, and the command that talks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.laws.command import Command
from tests.laws.service import Service


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def command(tmp_path: Path, service: Service) -> Iterator[Command]:
    made = Command(tmp_path, service)
    try:
        yield made
    finally:
        made.close()
