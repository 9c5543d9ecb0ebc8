import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrun.engine.pacing.backoff import BASE_S, CAP_S, BudgetPolicy, RetryBudget, full_jitter_s

POLICY = BudgetPolicy(capacity=4.0, earned_per_success=0.25, probe_interval_s=5.0)


@pytest.mark.parametrize(("failures", "most"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (9, 60.0)])
def test_the_longest_wait_doubles_up_to_the_cap(failures: int, most: float) -> None:
    assert full_jitter_s(failures, draw=lambda: 1.0) == most


@given(failures=st.integers(), fraction=st.floats(0.0, 1.0, exclude_max=True))
def test_a_wait_is_never_negative_above_the_cap_or_an_overflow(failures: int, fraction: float) -> None:
    assert 0.0 <= full_jitter_s(failures, draw=lambda: fraction) <= CAP_S


@given(failures=st.integers(-3, 1))
def test_the_first_wait_is_within_the_base(failures: int) -> None:
    assert full_jitter_s(failures) <= BASE_S


def spent(now: float = 0.0) -> RetryBudget:
    budget = RetryBudget(POLICY)
    for _ in range(4):
        budget.failed(now)
    return budget


def test_a_fresh_budget_delays_nothing() -> None:
    assert RetryBudget().next_start(7.0) == 7.0


def test_failures_in_a_row_spend_it_and_the_next_start_is_a_probe() -> None:
    budget = spent(now=100.0)
    assert budget.is_spent
    assert budget.next_start(100.0) == 105.0
    assert budget.next_start(106.0) == 106.0


def test_an_outage_gets_one_probe_per_interval() -> None:
    budget, now, probes = spent(), 0.0, 0
    while (now := budget.next_start(now)) <= 60.0:
        budget.sent(now)
        budget.failed(now + 0.1)
        probes += 1
    assert probes == 12


def test_failures_while_spent_do_not_postpone_the_probe() -> None:
    budget = spent(now=0.0)
    budget.failed(3.0)
    assert budget.next_start(3.0) == 5.0


def test_the_first_probe_that_succeeds_ends_the_pause() -> None:
    budget = spent()
    budget.sent(5.0)
    budget.succeeded()
    assert not budget.is_spent
    assert budget.next_start(5.1) == 5.1


def test_one_failure_in_six_is_affordable_forever() -> None:
    budget = RetryBudget(POLICY)
    for n in range(10_000):
        if n % 6:
            budget.succeeded()
        else:
            budget.failed(float(n))
        assert not budget.is_spent


@given(st.lists(st.booleans()))
def test_retries_are_at_most_a_share_of_the_successes_and_the_capacity(answers: list[bool]) -> None:
    budget, paid, reopened = RetryBudget(POLICY), 0, 0
    for now, success in enumerate(answers):
        if success:
            reopened += budget.is_spent
            budget.succeeded()
        else:
            paid += not budget.is_spent
            budget.failed(float(now))
    assert paid <= POLICY.capacity + POLICY.earned_per_success * sum(answers) + reopened + 1


@given(st.lists(st.booleans()), st.floats(0.0, 1e9))
def test_it_never_waits_longer_than_one_interval(answers: list[bool], now: float) -> None:
    budget = RetryBudget(POLICY)
    for success in answers:
        budget.succeeded() if success else budget.failed(now)
    assert budget.next_start(now) <= now + POLICY.probe_interval_s


def test_it_shows_its_state() -> None:
    assert repr(RetryBudget(POLICY)) == "<RetryBudget open, 4.00 of 4>"
    assert repr(spent()) == "<RetryBudget spent, 0.00 of 4>"


def test_by_default_twenty_failures_in_a_row_pause_for_five_seconds() -> None:
    budget = RetryBudget()
    for _ in range(19):
        budget.failed(7.0)
    assert budget.next_start(7.0) == 7.0
    budget.failed(7.0)
    assert budget.next_start(7.0) == 12.0


def test_a_probe_that_fails_starts_the_next_interval_when_it_was_sent() -> None:
    budget = spent(now=0.0)
    budget.sent(5.0)
    budget.failed(6.5)
    assert budget.next_start(6.5) == 10.0


def test_after_a_pause_one_failure_is_enough_for_the_next() -> None:
    budget = spent()
    budget.succeeded()
    budget.failed(6.0)
    assert budget.next_start(6.0) == 11.0


def test_successes_do_not_save_up_more_than_the_capacity() -> None:
    budget = RetryBudget(POLICY)
    for _ in range(1000):
        budget.succeeded()
    for _ in range(4):
        budget.failed(1.0)
    assert budget.is_spent
