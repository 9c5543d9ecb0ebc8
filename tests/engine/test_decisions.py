"""What a person may decide about a run, what speaks against it, and what is recorded."""

from typing import Any

import pytest

from batchrun.engine.evidence import Fit
from batchrun.engine.listing.held import HeldRun
from batchrun.engine.reconciling.decisions import Choice, Decision, adoptable, events_of, objections
from batchrun.engine.reconciling.undecided import UndecidedRun
from batchrun.ledger.events import DroppedEvent, ForeignEvent, ResolvedEvent, SubmittedEvent
from batchrun.ledger.fold import Outcome

AT = "2026-11-25T12:00:00.000Z"


def held(run_id: str = "r1", fit: Fit = Fit.OURS, **more: Any) -> HeldRun:
    told = {"name": "tile-run-1", "status": "RUNNING", "create_time": None, "is_compared": True, **more}
    return HeldRun(run_id=run_id, fit=fit, **told)


def undecided(*runs: HeldRun, outcome: Outcome = Outcome.UNKNOWN, **more: Any) -> UndecidedRun:
    told = {"key": "k1", "name": "tile-run-1", "n": 2, **more}
    return UndecidedRun(outcome=outcome, held=runs, **told)


def against(run: UndecidedRun, decision: Decision, adopted: HeldRun | None = None, **more: Any) -> list[str]:
    choice = Choice(run=run, decision=decision, adopted=adopted, **more)
    return [problem.text() for problem in objections([choice])]


@pytest.mark.parametrize(
    ("decision", "outcomes"),
    [
        (Decision.ADOPT, set(Outcome) - {Outcome.SUBMITTED}),
        (Decision.RESEND, {Outcome.UNKNOWN, Outcome.DROPPED}),
        (Decision.DROP, {Outcome.UNKNOWN, Outcome.PENDING, Outcome.REJECTED, Outcome.FAILED}),
    ],
)
def test_a_decision_changes_only_outcomes_that_it_applies_to(decision: Decision, outcomes: set[Outcome]) -> None:
    allowed = {outcome for outcome in Outcome if not against(undecided(outcome=outcome), decision, held())}
    assert allowed == outcomes


def test_a_submitted_run_is_named_with_its_id() -> None:
    run = undecided(outcome=Outcome.SUBMITTED, run_id="r7")
    assert against(run, Decision.DROP) == [
        "tile-run-1: is submitted, as run r7; --drop does not apply; batchrun verify compares it with the service"
    ]


@pytest.mark.parametrize(
    ("adopted", "words"),
    [
        (None, "there is no run to adopt"),
        (held(holder="k2", fit=Fit.FOREIGN), "r1 is another planned run, k2 already"),
        (held(holder="k2", holder_name="tile-run-2", fit=Fit.FOREIGN), "r1 is another planned run, tile-run-2 already"),
        (held(holder="k1", fit=Fit.FOREIGN), "r1 is an earlier generation of this run already"),
        (held(name="tile-run-2", fit=Fit.OTHER), "r1 is named 'tile-run-2', not 'tile-run-1'"),
        (held(name=None), "r1 is named 'None', not 'tile-run-1'"),
        (held("../../x"), "'../../x' is not a run id"),
    ],
)
def test_a_run_that_is_anothers_is_not_adopted(adopted: HeldRun | None, words: str) -> None:
    (problem,) = against(undecided(), Decision.ADOPT, adopted)
    assert problem == f"tile-run-1: {words}; it holds no run with this name"


def test_a_person_may_adopt_what_batchrun_would_not() -> None:
    for how in (Fit.OURS, Fit.ODD, Fit.FOREIGN):
        assert against(undecided(), Decision.ADOPT, held(fit=how)) == []


def test_one_run_is_not_adopted_for_two() -> None:
    choices = [Choice(run=undecided(key=key), decision=Decision.ADOPT, adopted=held()) for key in ("k1", "k2")]
    (problem,) = objections(choices)
    assert problem.fact == "r1 would also be adopted for tile-run-1"


@pytest.mark.parametrize("how", [Fit.OURS, Fit.ODD])
def test_what_may_exist_is_not_sent_again_without_a_word(how: Fit) -> None:
    run = undecided(held(fit=how))
    (problem,) = against(run, Decision.RESEND)
    assert "the service holds r1, which may be this run" in problem
    assert against(run, Decision.RESEND, not_ours=True) == []


def test_what_cannot_be_this_run_does_not_keep_it_from_being_sent() -> None:
    for one in (held(fit=Fit.FOREIGN), held(is_foreign=True)):
        assert against(undecided(one), Decision.RESEND) == []
    assert against(undecided(), Decision.RESEND) == []


@pytest.mark.parametrize(
    ("runs", "doubt", "run_id"),
    [
        ([held()], "", "r1"),
        ([held(fit=Fit.ODD)], "", "r1"),
        ([held(), held("r2", Fit.FOREIGN)], "", "r1"),
        ([held(), held("r2", Fit.ODD)], "", None),
        ([held()], "the list of this name is incomplete", None),
        ([held(fit=Fit.FOREIGN)], "", None),
        ([held(is_foreign=True)], "", None),
        ([held("a/b", Fit.ODD)], "", None),
        ([], "", None),
    ],
)
def test_only_one_run_in_a_complete_list_is_adopted_without_naming_it(
    runs: list[HeldRun], doubt: str, run_id: str | None
) -> None:
    found = adoptable(undecided(*runs, doubt=doubt))
    assert (found.run_id if found is not None else None) == run_id


def test_each_decision_is_an_event_of_its_own() -> None:
    run = undecided(held("r2", Fit.ODD), generation=3)
    adopted = list(events_of(Choice(run=run, decision=Decision.ADOPT, adopted=held("r2", Fit.ODD)), AT))
    assert adopted == [
        SubmittedEvent(
            at=AT, key="k1", n=2, run_id="r2", name="tile-run-1", status="RUNNING", via="resolved", generation=3
        )
    ]
    assert list(events_of(Choice(run=run, decision=Decision.DROP), AT)) == [
        DroppedEvent(at=AT, key="k1", n=2, name="tile-run-1")
    ]
    assert list(events_of(Choice(run=run, decision=Decision.RESEND, not_ours=True), AT)) == [
        ForeignEvent(at=AT, run_ids=["r2"]),
        ResolvedEvent(at=AT, key="k1", n=2),
    ]
