"""Coroutine tests on both event loops: asyncio's own, and uvloop, which the command line uses.

A folder's conftest imports ``pytest_generate_tests`` from here. Slow tests run once, on uvloop; a module that defines its
own ``anyio_backend`` keeps it.
"""

import pytest

__all__ = ["pytest_generate_tests"]

ASYNCIO = pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio")
UVLOOP = pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each coroutine test its loops."""
    if "anyio_backend" in metafunc.fixturenames and not hasattr(metafunc.module, "anyio_backend"):
        is_slow = metafunc.definition.get_closest_marker("slow") is not None
        metafunc.parametrize("anyio_backend", [UVLOOP] if is_slow else [ASYNCIO, UVLOOP])
