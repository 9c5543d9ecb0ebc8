"""One call for the common case: plan a sweep, submit it and optionally follow its runs, as safely as the command."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from batchrun.callbacks import ignored
from batchrun.engine.follow import follow as follow_batch
from batchrun.engine.progress import Progress
from batchrun.engine.rerun import request_rerun_of_failed
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import Stop
from batchrun.engine.submission import Submission
from batchrun.engine.submit import submit
from batchrun.errors import BatchStoppedError, Problem, UsageError
from batchrun.extras import missing_extra
from batchrun.ledger.file import FileLedger
from batchrun.ledger.location import EMULATOR, PLAN_SUFFIX, default_ledger
from batchrun.ledger.state import Outcome
from batchrun.report.summary import Summary, read_summary
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan, read_plan
from batchrun.tracking.changes import Change
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["arun", "run"]

SPARE_CONNECTIONS = 2
"""For settling and for following, in addition to those that submit."""
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Observer:
    """Passes progress on to a function, and keeps notes for the end."""

    on_progress: Callable[[Progress], None] | None
    on_note: Callable[[Problem], None] | None

    def progress(self, progress: Progress) -> None:
        if self.on_progress is not None:
            self.on_progress(progress)

    def note(self, note: Problem) -> None:
        if self.on_note is not None:
            self.on_note(note)


async def arun(
    sweep: str | Path,
    *,
    ledger: str | Path | None = None,
    settings: SubmitSettings | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Callable[[Problem], None] | None = None,
    on_change: Callable[[Change], None] | None = None,
    emulator: bool = False,
    follow: bool = False,
    rerun_failed: int = 0,
    extend: bool = False,
    retry: frozenset[Outcome] = frozenset(),
    base_url: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Summary:
    """Create every run of a sweep, each exactly once, and return the ledger's summary.

    Call it again to resume: the ledger next to the sweep records which runs exist. If nothing is left to send, nothing is
    sent.

    Args:
        sweep: A manifest (``.toml``) or a saved plan (``.jsonl``).
        ledger: The ledger's path; defaults to ``<sweep>.ledger.jsonl`` next to the sweep.
        settings: How to submit; defaults to the manifest's ``[submit]`` table.
        on_progress: Called with the progress about ten times per second while runs are created. Must not block.
        on_note: Called with each problem that is worth knowing but does not stop the batch.
        on_change: Called with each status change while runs are followed; it has no effect without ``follow``.
        emulator: Submit to an emulator in this process, which needs no API key; its runs are stored next to the ledger.
        follow: Follow the runs until they end.
        rerun_failed: With ``follow``, rerun runs that fail or time out up to this many times each, counting reruns already
            in the ledger.
        extend: Continue even if the sweep changed after the batch started.
        retry: Outcomes (rejected, failed) whose runs are sent again.
        base_url: The service's base URL; defaults to the environment, then to Wherobots Cloud.
        environ: The environment for the API key and ``{{env.NAME}}``; defaults to ``os.environ``.

    Raises:
        UsageError: the sweep, a setting or the API key is missing or invalid; nothing was sent.
        LedgerError: the ledger cannot be used, or belongs to another sweep, service or organization.
        BatchStoppedError: the batch stopped early, for example because the API key was refused; it can be resumed.
        ApiError: the runs cannot be followed.

    """
    if rerun_failed and not follow:
        raise UsageError("rerun_failed", "failed runs are noticed only while the batch is followed", "add follow=True")
    values = os.environ if environ is None else environ
    path = Path(ledger) if ledger is not None else default_ledger(Path(sweep), emulator=emulator)
    plan = await anyio.to_thread.run_sync(_plan, Path(sweep), values)
    chosen = settings or SubmitSettings.of(plan.submit)
    service = _in_thread(_service(path, values, emulator=emulator, base_url=base_url))
    connections = chosen.concurrency + SPARE_CONNECTIONS
    async with service as (api, name), RunsClient(api, open_transport(api, connections=connections)) as client:
        on_status = on_change or ignored
        submitting = partial(
            submit,
            plan,
            client=client,
            settings=chosen,
            observer=_Observer(on_progress, on_note),
            base_url=name,
            on_change=on_status if follow else None,
        )
        # What the caller allows is for this session alone; the reruns below need none of it.
        await _submitted(path, partial(submitting, extend=extend, retry=retry))
        while follow:
            async for change in follow_batch(path, client, on_note=on_note or ignored):
                on_status(change)
            if not await request_rerun_of_failed(path, rerun_failed):
                break
            await _submitted(path, submitting)
    return await anyio.to_thread.run_sync(read_summary, path)


async def _submitted(path: Path, session: Callable[..., Awaitable[Submission]]) -> None:
    with FileLedger.open(path, create=True) as opened:
        submission = await session(ledger=opened)
    if submission.stop is not None:
        raise _stopped(submission.stop)


def _plan(sweep: Path, environ: Mapping[str, str]) -> Plan:
    if sweep.suffix == PLAN_SUFFIX:
        return read_plan(sweep)
    return build_plan(Manifest.load(sweep, environ=environ), environ=environ)


@contextmanager
def _service(
    ledger: Path, environ: Mapping[str, str], *, emulator: bool, base_url: str | None
) -> Iterator[tuple[ApiSettings, str]]:
    """The settings for reaching the service, and its name in the ledger."""
    if not emulator:
        api = ApiSettings.from_environment(environ, base_url=base_url)
        yield api, api.base_url
        return
    if base_url is not None:
        raise UsageError("emulator", "cannot be combined with base_url", "choose one of them")
    try:
        from batchrun.emulator.beside import emulator_beside  # noqa: PLC0415 - an extra, and most batches need none
    except ModuleNotFoundError as error:
        raise missing_extra(error, extra="emulator", wanted_by="emulator") from None
    with emulator_beside(ledger) as url:
        yield ApiSettings(api_key="emulator-in-this-process", base_url=url), EMULATOR


@asynccontextmanager
async def _in_thread(context: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and exit a blocking context manager, such as a server's, in a thread."""
    entered = await anyio.to_thread.run_sync(context.__enter__)
    try:
        yield entered
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(context.__exit__, None, None, None)


def _stopped(stop: Stop) -> BatchStoppedError:
    problem = stop.problem
    return BatchStoppedError(problem.place, problem.fact, problem.fix, reason=stop.reason.value)


def _blocking(function: Callable[P, Coroutine[Any, Any, Summary]]) -> Callable[P, Summary]:
    @wraps(function)
    def blocking(*args: P.args, **options: P.kwargs) -> Summary:
        started = partial(anyio.run, partial(function, *args, **options))
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return started()
        # A loop is running, as in a notebook, and loops do not nest.
        with ThreadPoolExecutor(1, thread_name_prefix="batchrun") as thread:
            return thread.submit(started).result()

    return blocking


run = _blocking(arun)
run.__name__ = run.__qualname__ = "run"
run.__doc__ = f"""Blocking version of ``arun``, for scripts and notebook cells.

    If an event loop is already running, as in a notebook, the batch runs on its own loop in another thread while this call
    waits; callbacks are called in that thread.

    {arun.__doc__}"""
