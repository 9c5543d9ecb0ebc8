"""The command in this process, as in tests/cli."""

from tests.cli.conftest import batchrun, environment, server, terminals

__all__ = ["batchrun", "environment", "server", "terminals"]
