"""What ``resolve`` does with its options: show what the service holds, ask, record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join

import anyio

from batchrun.cli.exits import ExitStatus
from batchrun.cli.looking import ask_service, plan_to_compare
from batchrun.cli.output import Output
from batchrun.cli.text import numbered
from batchrun.cli.views.undecided import run_json, show_undecided
from batchrun.engine.reconciling.decisions import Choice, Decision, adoptable, objections
from batchrun.engine.reconciling.resolve import find_held, find_undecided, resolve
from batchrun.engine.reconciling.undecided import UndecidedRun
from batchrun.errors import Problem, UsageError
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_batch
from batchrun.sweep.plan import Plan
from batchrun.wherobots.client import RunsClient

__all__ = ["ResolveRequest", "run_resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequest:
    """Which runs, and the decision about them."""

    ledger: Path
    service: str
    timeout_s: float | None
    words: tuple[str, ...] | None
    """Names and keys; None means every unknown run."""
    decision: Decision | None
    """None only shows what the service holds."""
    adopt: str | None = None
    """The id of the run to adopt; with ``Decision.ADOPT``, None means the only one that the service holds."""
    not_ours: bool = False
    resume: tuple[str, ...] = ()
    """The command that resumes the batch."""
    ask: bool = True


def run_resolve(request: ResolveRequest, output: Output) -> ExitStatus:
    """Show what the service holds; with a decision, ask and record it.

    Raises:
        BatchrunError: nothing was recorded.

    """
    plan = plan_to_compare(read_batch(request.ledger), request.ledger, output)
    if request.decision is None:
        runs = ask_service(
            request.service,
            lambda client: find_undecided(request.ledger, client, plan=plan, words=request.words),
            ledger=request.ledger,
            timeout_s=request.timeout_s,
        )
        return _shown(request, runs, output)
    with FileLedger.open(request.ledger) as ledger:

        async def find(client: RunsClient) -> tuple[tuple[UndecidedRun, ...], list[Choice]]:
            runs = await find_undecided(ledger, client, plan=plan, words=request.words)
            return runs, await _choices(request, runs, ledger, client, plan=plan)

        runs, choices = ask_service(request.service, find, ledger=request.ledger, timeout_s=request.timeout_s)
        return _decided(request, runs, choices, ledger=ledger, output=output)


async def _choices(
    request: ResolveRequest, runs: Sequence[UndecidedRun], ledger: FileLedger, client: RunsClient, *, plan: Plan | None
) -> list[Choice]:
    decision = request.decision
    assert decision is not None  # noqa: S101 - only called with one
    if problems := list(_ambiguous(request.words or (), runs)):
        raise UsageError.of(problems)
    if decision is not Decision.ADOPT:
        return [Choice(run=run, decision=decision, not_ours=request.not_ours) for run in runs]
    if request.adopt is None:
        return list(_held_choices(runs))
    if len(runs) != 1:
        raise UsageError(
            "--adopt",
            f"adopts one run for one name, but {len(runs):,} are selected",
            "select one name, or use --adopt-held",
        )
    if runs[0].outcome is Outcome.SUBMITTED:  # refused by `objections`, with the id that it has: no need to look
        return [Choice(run=runs[0], decision=decision)]
    held = await find_held(ledger, client, runs[0], request.adopt, plan=plan)
    return [Choice(run=runs[0], decision=decision, adopted=held)]


def _ambiguous(words: Sequence[str], runs: Sequence[UndecidedRun]) -> Iterator[Problem]:
    for word in words:
        if len(keys := [run.key for run in runs if run.name == word]) > 1:
            yield Problem(word, f"{len(keys)} unknown runs have this name", f"pass the key of one: {', '.join(keys)}")


def _held_choices(runs: Sequence[UndecidedRun]) -> Iterator[Choice]:
    """A run that was sent comes before one of the same name that never was."""
    sent = {run.name for run in runs if run.n}
    for run in runs:
        if (held := adoptable(run)) is not None and (run.n or run.name not in sent):
            yield Choice(run=run, decision=Decision.ADOPT, adopted=held)


def _shown(request: ResolveRequest, runs: Sequence[UndecidedRun], output: Output) -> ExitStatus:
    if runs:
        show_undecided(runs, output)
        output.say(f"to resolve: {_ways(request, runs)}")
    else:
        output.say("no run of this batch is unknown")
    output.document({"ledger": str(request.ledger), "runs": [run_json(run) for run in runs], "exit_status": 0})
    return ExitStatus.DONE


def _ways(request: ResolveRequest, runs: Sequence[UndecidedRun]) -> str:
    if len(runs) == 1:
        return f"{join(['batchrun', 'resolve', str(request.ledger), runs[0].name])} --adopt RUN_ID | --resend | --drop"
    if request.words is not None and len({run.name for run in runs}) < len(runs):
        return f"{join(['batchrun', 'resolve', str(request.ledger)])} KEY --adopt RUN_ID | --resend | --drop"
    which = "--all-unknown" if request.words is None else join(request.words)
    return f"{join(['batchrun', 'resolve', str(request.ledger)])} {which} --adopt-held | --resend | --drop"


def _decided(
    request: ResolveRequest,
    runs: Sequence[UndecidedRun],
    choices: Sequence[Choice],
    *,
    ledger: FileLedger,
    output: Output,
) -> ExitStatus:
    if not runs:
        return _shown(request, runs, output)
    if problems := list(objections(choices)):
        raise UsageError.of(problems)
    show_undecided(runs, output)
    if left := len(runs) - len(choices):
        fact = "the service holds no run or several runs with this name, or the list is incomplete"
        output.warn(Problem(numbered(left, "run"), f"nothing is adopted: {fact}", "adopt each by its id with --adopt"))
    is_confirmed = bool(choices) and _is_confirmed(request, choices, output)
    if is_confirmed:
        anyio.run(resolve, ledger, choices)
        output.say(_done(request, len(choices)))
    status = ExitStatus.STOPPED if choices and not is_confirmed else ExitStatus.INCOMPLETE if left else ExitStatus.DONE
    document = {"ledger": str(request.ledger), "runs": [run_json(run) for run in runs], "decision": request.decision}
    output.document(document | {"recorded": len(choices) if is_confirmed else 0, "exit_status": int(status)})
    return status


def _is_confirmed(request: ResolveRequest, choices: Sequence[Choice], output: Output) -> bool:
    is_confirmed = output.confirm(_question(choices), yes=not request.ask)
    if not is_confirmed:
        output.tell("nothing was recorded")
    return is_confirmed


def _question(choices: Sequence[Choice]) -> str:
    count = numbered(len(choices), "run")
    match choices[0].decision:
        case Decision.ADOPT:
            return f"Adopt the runs that the service holds for {count}?"
        case Decision.RESEND:
            return f"Allow {count} to be sent again?"
        case Decision.DROP:
            return f"Drop {count} permanently?"


def _done(request: ResolveRequest, count: int) -> str:
    runs = numbered(count, "run")
    match request.decision:
        case Decision.ADOPT:
            return f"adopted {runs}"
        case Decision.DROP:
            return f"dropped {runs}"
        case _:
            are = "is" if count == 1 else "are"
            return f"{runs} {are} pending again; send with: {join(request.resume)}"
