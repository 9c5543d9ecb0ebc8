"""Tables of outcomes, reasons and failed runs."""

from batchrun.cli.views.tables import failed_runs_table, outcome_table, reason_table
from batchrun.errors import NO_TROUBLE, Trouble
from batchrun.ledger.fold import Outcome
from batchrun.report.reasons import FailedRun, Reason


def reason(*, runs: int, examples: tuple[str, ...], trouble: Trouble = NO_TROUBLE) -> Reason:
    return Reason(outcome=Outcome.REJECTED, runs=runs, examples=examples, trouble=trouble)


def test_outcomes_are_listed_with_the_planned_total_last() -> None:
    counts = dict.fromkeys(Outcome, 0) | {Outcome.SUBMITTED: 1200, Outcome.PENDING: 800}
    table = outcome_table("sweep", counts, 2000)
    assert table.title == "sweep"
    assert table.rows == (
        ("submitted", "1,200"),
        ("rejected", "0"),
        ("failed", "0"),
        ("unknown", "0"),
        ("pending", "800"),
        ("planned", "2,000"),
    )


def test_a_reason_holds_the_response_the_message_and_examples() -> None:
    full = reason(
        runs=5, examples=("a", "b", "c"),
        trouble=Trouble(status=422, code="VALIDATION_ERROR", message="too small", field="args", suggestion="grow"),
    )  # fmt: skip
    assert reason_table([full]).rows == (
        ("5", "rejected", "422 VALIDATION_ERROR", "args: too small; grow", "a, b, c, ..."),
    )


def test_what_a_reason_lacks_leaves_no_punctuation() -> None:
    assert reason_table([reason(runs=1, examples=("a",), trouble=Trouble(status=413))]).rows == (
        ("1", "rejected", "413", "", "a"),
    )
    assert reason_table([reason(runs=7, examples=())]).rows == (("7", "rejected", "", "", ""),)


def test_a_failed_run_is_a_row() -> None:
    run = FailedRun(
        key="k", name="job-1", outcome=Outcome.FAILED, attempts=8,
        trouble=Trouble(status=409, code="CONFLICT_ERROR"),
    )  # fmt: skip
    assert failed_runs_table([run]).rows == (("job-1", "failed", "8", "409 CONFLICT_ERROR", ""),)
