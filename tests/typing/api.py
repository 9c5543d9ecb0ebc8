"""How the public types are used. Type checkers read this file; nothing runs it."""

from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import httpx
from pydantic import SecretStr
from typing_extensions import override

import batchrun
from batchrun import (
    ApiError,
    ApiSettings,
    Batch,
    BatchrunError,
    BatchState,
    BatchStoppedError,
    Cancellation,
    Change,
    Choice,
    CostTotals,
    Decision,
    FileLedger,
    HeldRun,
    LedgerError,
    LogLine,
    Manifest,
    ManifestError,
    Mismatch,
    MismatchKind,
    Observer,
    Outcome,
    Overrides,
    Plan,
    PlannedRun,
    Problem,
    Progress,
    Recovery,
    RunRow,
    RunsClient,
    SettingsError,
    Stop,
    StopReason,
    StopSwitch,
    Submission,
    SubmitSettings,
    Summary,
    UndecidedRun,
    UsageError,
    Verification,
    arun,
    build_plan,
    cancel,
    fetch_costs,
    find_held,
    find_undecided,
    follow,
    open_transport,
    read_logs,
    read_plan,
    read_state,
    read_summary,
    recover,
    rerun,
    resolve,
    run,
    show,
    submit,
    verify,
    write_plan,
)


def plans(path: Path, environ: dict[str, str]) -> Plan:
    assert_type(Manifest.load(path), Manifest)
    assert_type(Manifest.load("sweep.toml"), Manifest)
    assert_type(read_plan("sweep.plan.jsonl"), Plan)
    assert_type(Manifest.load(path, overrides=Overrides(), environ=environ), Manifest)
    manifest = Manifest.parse("version = 1", name="sweep", directory=path.parent)
    assert_type(manifest, Manifest)
    assert_type(manifest.overrides, Overrides)
    plan = build_plan(manifest, environ=environ)
    assert_type(plan, Plan)
    assert_type(plan.runs, int)
    assert_type(len(plan), int)
    assert_type(plan.warnings, tuple[Problem, ...])
    for planned in plan:
        assert_type(planned, PlannedRun)
        assert_type(planned.name, str)
        assert_type(planned.region, str)
        assert_type(planned.body, bytes)
        assert_type(planned.point, dict[str, Any])
    assert_type(list(plan), list[PlannedRun])
    write_plan(plan, path)
    return assert_type(read_plan(path), Plan)


class Recorder:
    """An observer needs the two methods and no base class."""

    def progress(self, progress: Progress) -> None:
        assert_type(progress.submitted, int)
        assert_type(progress.active, int | None)
        assert_type(progress.rate_per_s, float)
        assert_type(progress.left_s, float | None)

    def note(self, note: Problem) -> None:
        assert_type(note.text(), str)


class Subclassed(Observer):
    @override
    def progress(self, progress: Progress) -> None: ...

    @override
    def note(self, note: Problem) -> None: ...


class WithoutNotes:
    def progress(self, progress: Progress) -> None: ...


async def submits(plan: Plan, path: Path) -> Submission:
    api = ApiSettings(api_key=SecretStr("key"), base_url="https://api.example", timeout_s=30)
    assert_type(ApiSettings(api_key="key", base_url="https://api.example"), ApiSettings)
    assert_type(ApiSettings.from_environment({}), ApiSettings)
    settings = SubmitSettings(concurrency=8, rate=2.5, max_active=None)
    assert_type(settings.rate, float | None)
    assert_type(SubmitSettings.of(plan.submit, rate=1), SubmitSettings)
    switch = StopSwitch()
    switch.pull(Stop(StopReason.INTERRUPTED, Problem("here", "is enough", "resume later")))
    assert_type(switch.stop, Stop | None)
    assert_type(switch.is_pulled, bool)
    async with RunsClient(api, open_transport(api, connections=8)) as client:
        assert_type(client, RunsClient)
        with FileLedger.open(path, create=True) as ledger:
            assert_type(ledger, FileLedger)
            assert_type(ledger.is_new, bool)
            assert_type(ledger.state, BatchState)
            assert_type(await submit(plan, ledger, client, settings=settings), Submission)
            await submit(plan, ledger, client, settings=settings, observer=Recorder(), switch=switch)
            await submit(
                plan, ledger, client, settings=settings, retry=frozenset({Outcome.FAILED}), base_url="emulator"
            )
            await submit(plan, ledger, client, settings=settings, observer=WithoutNotes())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - it has no note()
            await submit(plan, ledger, client)
            await submit(plan, ledger, client, settings)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - by keyword only
            return await submit(plan, ledger, client, settings=settings, observer=Subclassed())


async def speaks_to_an_app_in_this_process(transport: httpx.AsyncBaseTransport, api: ApiSettings) -> None:
    async with RunsClient(api, transport) as client:
        run = await client.get("run")
        assert_type(run.name, str)
        await client.cancel("run")


def ended(submission: Submission) -> None:
    assert_type(submission.progress, Progress)
    assert_type(submission.notes, tuple[Problem, ...])
    if submission.stop is not None:
        assert_type(submission.stop, Stop)
        assert_type(submission.stop.reason, StopReason)
        assert_type(submission.stop.problem, Problem)
    submission.stop = None  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - it is frozen


def reads(path: Path) -> None:
    state = read_state(path)
    assert_type(state, BatchState)
    assert_type(read_state("sweep.ledger.jsonl"), BatchState)
    with FileLedger.open("sweep.ledger.jsonl") as ledger:
        assert_type(ledger.path, Path)
    assert_type(state.outcome("key"), Outcome)
    assert_type(state.count(Outcome.SUBMITTED), int)
    summary = read_summary(path)
    assert_type(summary, Summary)
    assert_type(summary.outcomes, dict[Outcome, int])
    assert_type(summary.is_complete, bool)
    assert_type(summary.json(), dict[str, Any])
    assert_type(show(path, "shard.ledger.jsonl").html, str)


def fails(path: Path) -> str:
    try:
        plans(path, {})
    except (ManifestError, SettingsError) as error:
        wrong: UsageError = error
        return str(wrong)
    except LedgerError as error:
        return str(error)
    except ApiError as error:
        assert_type(error.http_status, int | None)
        return str(error)
    except BatchrunError as error:
        for problem in error.problems:
            assert_type(problem, Problem)
            assert_type(problem.json(), dict[str, Any])
        return str(error)
    return ""


def there_are_no_others() -> None:
    batchrun.Manifesto  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: B018 - there is no such name


async def decisions(ledger: FileLedger, client: RunsClient, plan: Plan, path: Path) -> None:
    undecided = await find_undecided(ledger, client, plan=plan, words=["tile-1"])
    assert_type(undecided, tuple[UndecidedRun, ...])
    held = await find_held(ledger, client, undecided[0], "id", plan=plan)
    assert_type(held, HeldRun)
    assert_type(await resolve(ledger, [Choice(run=undecided[0], decision=Decision.ADOPT, adopted=held)]), None)
    verification = await verify(path, client, plan=plan, rate_per_s=5.0)
    assert_type(verification, Verification)
    assert_type(verification.mismatches, tuple[Mismatch, ...])
    assert_type(verification.mismatches[0].kind, MismatchKind)
    recovery = await recover(plan, client, path, since_s=0.0)
    assert_type(recovery, Recovery)
    assert_type(recovery.pending, int)


async def common_case(path: Path, client: RunsClient, settings: SubmitSettings) -> None:
    assert_type(run("sweep.toml"), Summary)
    assert_type(run(path, emulator=True, follow=True, settings=settings, on_progress=print), Summary)
    assert_type(await arun(path, ledger="x.ledger.jsonl", retry=frozenset({Outcome.FAILED})), Summary)
    run(path, folow=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - misspelled
    async for change in follow(path, client, read_rate=2):
        assert_type(change, Change)
        assert_type(change.status, str)
        assert_type(change.is_final, bool)
        assert_type(change.ran_s, float | None)
    batch = Batch.open(path)
    assert_type(batch, Batch)
    assert_type(batch.runs(), list[RunRow])
    assert_type(batch.summary(), Summary)
    assert_type(batch.to_rows(), list[dict[str, Any]])


async def steers(path: Path, client: RunsClient, settings: SubmitSettings) -> None:
    cancelled = await cancel(path, client, runs=["tile-1"], where=["region=us"], pending=True)
    assert_type(cancelled, Cancellation)
    assert_type(cancelled.problems, list[Problem])
    assert_type(cancelled.dropped, list[str])
    again = await rerun("sweep.toml", client, statuses=["FAILED"], changes=["run.runtime=large"], settings=settings)
    assert_type(again, Submission | None)
    async for line in read_logs(path, client, "tile-1", tail=10):
        assert_type(line, LogLine)
        assert_type(line.raw, str)
    totals = await fetch_costs(path, client, on_note=print)
    assert_type(totals, CostTotals)
    assert_type(totals.units, Decimal)
    assert_type(totals.money, dict[str, Decimal])
    await cancel(path)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - without a client


def stopped_early(error: BatchStoppedError) -> str:
    return assert_type(error.reason, str)
