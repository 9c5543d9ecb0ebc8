import pytest

from batchrun.engine.session.patience import Patience
from batchrun.engine.stopping import StopReason, patience_stop


def test_it_is_over_after_so_long_without_a_run() -> None:
    patience = Patience(60.0, now=100.0)
    assert not patience.is_over(159.9, done=0, waits_for_own_runs=False)
    assert patience.is_over(160.0, done=0, waits_for_own_runs=False)


def test_every_run_that_gets_somewhere_renews_it() -> None:
    patience = Patience(60.0, now=0.0)
    assert not patience.is_over(50.0, done=1, waits_for_own_runs=False)
    assert not patience.is_over(109.0, done=1, waits_for_own_runs=False)
    assert patience.is_over(110.0, done=1, waits_for_own_runs=False)


def test_waiting_for_runs_of_ones_own_is_not_getting_nowhere() -> None:
    patience = Patience(60.0, now=0.0)
    for now in range(0, 36_000, 10):
        assert not patience.is_over(float(now), done=0, waits_for_own_runs=True)
    assert not patience.is_over(36_049.0, done=0, waits_for_own_runs=False)
    assert patience.is_over(36_050.0, done=0, waits_for_own_runs=False)


def test_without_a_bound_it_is_never_over() -> None:
    assert not Patience(None, now=0.0).is_over(1e12, done=0, waits_for_own_runs=False)


@pytest.mark.parametrize(
    ("after_s", "failure", "fact"),
    [
        (
            3600.0,
            "service not reachable: connection refused",
            "no run was created for 1h; the last error: service not reachable: connection refused",
        ),
        (90.0, "", "no run was created for 90s"),
    ],
)
def test_the_stop_names_the_last_error(after_s: float, failure: str, fact: str) -> None:
    stop = patience_stop("https://api.example", after_s, failure)
    assert stop.reason is StopReason.GAVE_UP
    assert stop.problem.fact == fact
