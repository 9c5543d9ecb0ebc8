"""The harness in small, and the proof that it can fail; ``make soak`` is the long one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.rounds import ChaosError, play
from tests.chaos.service import Service, service
from tests.chaos.weaken import SHOWN_BY, WEAKNESSES

RUNS = 100
FIRST_SEED = {"forget-on-extend": 1001, "send-before-durable": 1001}
"""The first seed that shows a weakness, where it is not 1000."""
MORE_RUNS = {"send-before-durable": 500}
"""It takes a kill within 50 ms of an attempt."""
QUICK = {"retry-without-settling", "settle-by-substring"}
"""Noticed in the first round or two; the other laws take up to a quarter of a minute each."""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Service]:
    with service() as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("seed", [5])
def test_killed_at_random_every_run_exists_once_and_every_outcome_is_true(
    cloud: Service, tmp_path: Path, seed: int
) -> None:
    figures = play(seed, cloud, tmp_path, runs=RUNS)
    assert sum(figures.outcomes.values()) == RUNS
    assert figures.attempts >= RUNS


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "weakness", [pytest.param(name, marks=() if name in QUICK else pytest.mark.soak) for name in WEAKNESSES]
)
def test_a_law_that_is_broken_is_noticed(cloud: Service, tmp_path: Path, weakness: str) -> None:
    only = SHOWN_BY.get(weakness)

    def rounds() -> None:
        first = FIRST_SEED.get(weakness, 1000)
        for seed in range(first, first + 12):
            folder = tmp_path / str(seed)
            folder.mkdir()
            play(seed, cloud, folder, runs=MORE_RUNS.get(weakness, RUNS), weakness=weakness, only=only)

    with pytest.raises(ChaosError, match="twice:" if weakness == "absence-without-total" else "repeat: python"):
        rounds()
