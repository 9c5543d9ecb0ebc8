"""The second event loop is really there."""

import asyncio

import pytest


async def test_a_coroutine_runs_on_the_loop_that_its_name_says(request: pytest.FixtureRequest) -> None:
    loop = type(asyncio.get_running_loop()).__module__
    assert loop.startswith("uvloop") == ("uvloop" in request.node.name)
