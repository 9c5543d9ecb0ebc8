"""What a lost request looks like depends on the event loop, so the client is tested on both."""

from tests.loops import pytest_generate_tests

__all__ = ["pytest_generate_tests"]
