"""The command in this process, as in tests/cli."""

from tests.cli.conftest import batchrun, environment, server

__all__ = ["batchrun", "environment", "server"]
