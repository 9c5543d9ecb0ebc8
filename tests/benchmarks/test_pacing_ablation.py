"""Each variant of the ablation lacks what its name says, and nothing else."""

import pytest

from benchmarks.pacing.ablation import VARIANTS
from benchmarks.pacing.clients import SearchClient
from benchmarks.pacing.limiters import FixedWindow, TokenBucket
from benchmarks.pacing.simulator import simulate
from benchmarks.pacing.thirty import THIRTY


def search_of(name: str) -> SearchClient:
    client = VARIANTS[name]()
    assert isinstance(client, SearchClient)
    return client


def test_there_are_thirty_different_cases() -> None:
    assert len(set(THIRTY)) == 30


@pytest.mark.parametrize(
    ("name", "window_s"), [("as is", 60.0), ("without bisection", 60.0), ("without window lengths", None)]
)
def test_only_one_variant_infers_no_window(name: str, window_s: float | None) -> None:
    client = search_of(name)
    simulate(client, FixedWindow(5.0, 60.0, 17.0), seconds=200.0)
    assert client.search.snapshot(200.0).window_s == window_s


def test_without_bisection_the_rate_recovers_more_slowly() -> None:
    used = {}
    for name in ("as is", "without bisection"):
        used[name] = simulate(VARIANTS[name](), TokenBucket(100.0, 8.0), seconds=30.0, seed=3).accepted
    assert used["without bisection"] < 0.8 * used["as is"]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_gets_its_work_done(name: str) -> None:
    result = simulate(VARIANTS[name](), TokenBucket(1e9, 1e9), seconds=60.0, work=500)
    assert (result.accepted, result.refused) == (500, 0)
