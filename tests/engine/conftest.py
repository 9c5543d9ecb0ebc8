"""The engine is tested on both event loops."""

from tests.loops import pytest_generate_tests

__all__ = ["pytest_generate_tests"]
