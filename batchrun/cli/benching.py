"""What ``bench`` does with its options: where it sends, how it goes, and how its figures are shown."""

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NamedTuple
from urllib.parse import urlsplit

import anyio
from pydantic import SecretStr

from batchrun.bench.figures import PERCENTILES, Bin, Figures, Latency
from batchrun.bench.measure import made_up_plan, measure
from batchrun.cli.exits import ExitStatus
from batchrun.cli.interrupts import stop_on_signals
from batchrun.cli.loading import load_extra, loop_options
from batchrun.cli.output import Output, Table
from batchrun.cli.progress import View, view_for
from batchrun.cli.text import numbered
from batchrun.cli.views.result import exit_status, outcomes_of
from batchrun.cli.views.tables import outcome_table
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopReason, StopSwitch
from batchrun.engine.submit import Submission
from batchrun.errors import BatchrunError, Problem, UsageError
from batchrun.sweep.plan import Plan
from batchrun.wherobots.settings import DEFAULT_TIMEOUT_S, ApiSettings, is_loopback
from batchrun.wherobots.transports import chosen_kind

__all__ = ["BenchRequest", "run_bench"]

BAR_WIDTH = 40
BLOCKS = " ▏▎▍▌▋▊▉█"
KEY = "bench"
"""Where the environment has no key: the emulator takes any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRequest:
    """What is to be measured. ``pace`` says in words how fast the runs are meant to go."""

    runs: int
    settings: SubmitSettings
    intended_per_s: float | None
    pace: str
    base_url: str | None
    """A service on this machine; None is an emulator of its own."""
    directory: Path
    """Where the ledger is written, since its disk counts."""
    ask: bool


def run_bench(order: BenchRequest, output: Output) -> ExitStatus:
    """Measure, and tell.

    Raises:
        BatchrunError: it cannot be begun; nothing was sent.

    """
    kind = chosen_kind()
    with _folder(order.directory) as folder, _service(order.base_url) as api:
        where = "an emulator of its own" if order.base_url is None else api.base_url
        what = f"{numbered(order.runs, 'run')}, {order.settings.concurrency:,} at once, {order.pace}, to {where}"
        output.tell(f"bench: {what}")
        if order.base_url is not None and order.ask and output.can_ask and not output.ask("Send them?"):
            output.tell("nothing was sent")
            return ExitStatus.STOPPED
        began = time.perf_counter()
        plan = made_up_plan(order.runs)
        planned = _Planned(plan, time.perf_counter() - began)
        gc.freeze()  # as submit does
        with view_for(output, "bench") as view:
            figures, submission = anyio.run(
                _measure, order, planned, api, folder, view, output, backend_options=loop_options()
            )
    status = exit_status(submission)
    _show(order, figures, submission, output)
    setting = {
        "service": "emulator" if order.base_url is None else api.base_url,
        "concurrency": order.settings.concurrency,
        "rate_per_s": order.intended_per_s,
        "pace": order.pace,
        "transport": kind.value,
        "uvloop": loop_options()["use_uvloop"],
        "python": sys.version.split()[0],
        "cpus": os.cpu_count(),
    }
    outcomes = {outcome.value: count for outcome, count in outcomes_of(submission.progress).items()}
    output.document({"setting": setting, **figures.json(), "outcomes": outcomes, "exit_status": int(status)})
    return status


class _Planned(NamedTuple):
    plan: Plan
    seconds: float


@contextmanager
def _folder(directory: Path) -> Iterator[Path]:
    """A folder for the ledger, gone at the end; being asked to end is an end as well."""
    before = signal.signal(signal.SIGTERM, _exit_terminated)
    try:
        with TemporaryDirectory(prefix=".batchrun-bench-", dir=directory) as name:
            yield Path(name)
    except OSError as error:
        if error.filename is None or ".batchrun-bench-" not in str(error.filename):
            raise
        fact = f"no ledger can be written there: {error.strerror}"
        raise UsageError("--directory", f"{directory}: {fact}", "name a folder on the disk to measure") from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit_terminated(number: int, frame: FrameType | None) -> None:
    del number, frame
    sys.exit(int(ExitStatus.TERMINATED))


@contextmanager
def _service(base_url: str | None) -> Iterator[ApiSettings]:
    """The service that is meant, and a key for it; an emulator lives as long as the context.

    Raises:
        UsageError: it is not on this machine, or the emulator is not installed.

    """
    if base_url is None:
        beside = load_extra("batchrun.emulator.process:EmulatorProcess", extra="emulator", wanted_by="bench")
        with beside() as emulator:
            yield ApiSettings(api_key=SecretStr(KEY), base_url=emulator.url, timeout_s=DEFAULT_TIMEOUT_S)
        return
    if not is_loopback(urlsplit(base_url).hostname or ""):
        fact = f"{base_url} is not on this machine, and what bench sends would be run and paid for"
        raise UsageError("--base-url", fact, "give a loopback address, as of batchrun emulator; or leave it out")
    key = SecretStr(os.environ.get("WHEROBOTS_API_KEY") or KEY)
    yield ApiSettings(api_key=key, base_url=base_url)


async def _measure(
    order: BenchRequest, planned: _Planned, api: ApiSettings, folder: Path, view: View, output: Output
) -> tuple[Figures, Submission]:
    switch, failure, found = StopSwitch(), None, None

    def leave() -> None:
        view.leave()
        rmtree(folder, ignore_errors=True)

    watch = partial(stop_on_signals, switch, output.urge, leave, at_once="there are no figures")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        try:
            found = await measure(
                planned.plan,
                api,
                folder / "bench.ledger.jsonl",
                settings=order.settings,
                plan_s=planned.seconds,
                intended_per_s=order.intended_per_s,
                observer=view,
                switch=switch,
            )
        except BatchrunError as error:
            failure = error
        tasks.cancel_scope.cancel()
    if found is None:
        raise failure or RuntimeError("a bench without an end")
    return found


def _show(order: BenchRequest, figures: Figures, submission: Submission, output: Output) -> None:
    progress = submission.progress
    output.table(_figure_table(figures))
    output.table(_latency_table(figures, order))
    if output.draws_results:
        for line in _drawn(figures.bins, output.out.encoding or ""):
            output.say(line)
    if figures.submitted != figures.runs:
        output.table(outcome_table("Not every run was submitted", outcomes_of(progress), progress.planned))
    if (stop := submission.stop) is not None:  # a bench cannot be resumed, which is what the stop's own fix advises
        fix = "" if stop.reason in {StopReason.INTERRUPTED, StopReason.TERMINATED} else "mend it and measure again"
        output.warn(Problem(stop.problem.place, stop.problem.fact, fix))


def _figure_table(figures: Figures) -> Table:
    again = f"{figures.retries:,} of {numbered(figures.attempts, 'attempt')}"
    rows = [
        (
            "throughput",
            f"{figures.runs_per_s:,.1f} runs/s",
            f"{figures.submitted:,} submitted in {figures.submit_s:.2f} s",
        ),
        ("CPU", f"{figures.cpu_per_run_s * 1e6:,.0f} µs a run", "this process: requests, ledger, progress"),
        ("peak memory", f"{figures.peak_bytes / 1e6:,.0f} MB", "this process, with all times kept"),
        ("plan", f"{figures.plan_s:.2f} s", "made before the clock starts"),
        ("retries", f"{figures.retries:,}", again if figures.retries else f"{numbered(figures.attempts, 'attempt')}"),
    ]
    if figures.refused:
        kinds = ", ".join(f"{count:,} {code}" for code, count in figures.refused.items())
        rows.append(("refused", f"{sum(figures.refused.values()):,}", kinds))
    if figures.limit_per_s is not None:
        rows.append(("limit found", f"{figures.limit_per_s:,.1f}/s", "attempts a second that the service takes"))
    if figures.settled:
        rows.append(("settled", f"{figures.settled:,}", "lost answers whose run was found by listing"))
    return Table(head=("figure", "value", ""), rows=tuple(rows), right=frozenset({"value"}))


def _latency_table(figures: Figures, order: BenchRequest) -> Table:
    begin = "first sending" if order.intended_per_s is None else "intended start"
    rows = (
        _latency_row("a run", figures.run, f"{begin} to known to exist"),
        _latency_row("an answer", figures.answer, "sending to answered"),
    )
    head = ("latency", *(f"p{percent:g}" for percent in PERCENTILES), "max", "")
    return Table(head=head, rows=rows, right=frozenset(head[1:-1]))


def _latency_row(name: str, latency: Latency | None, words: str) -> tuple[str, ...]:
    if latency is None:
        return (name, *("-" for _ in PERCENTILES), "-", words)
    return (name, *(_milliseconds(value) for value in (*latency.percentiles_s, latency.max_s)), words)


def _milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"  # noqa: PLR2004


def _drawn(bins: Sequence[Bin], encoding: str) -> Iterator[str]:
    """A bar for each bin of the runs' latency."""
    most = max((one.count for one in bins), default=0)
    bounds = [(f"{one.low_s * 1e3:g}", f"{one.high_s * 1e3:g}") for one in bins]
    width = max((len(bound) for pair in bounds for bound in pair), default=0)
    blocks = BLOCKS if "utf" in encoding.lower() else " #"
    for one, (low, high) in zip(bins, bounds, strict=True):
        yield f"  {low:>{width}} to {high:>{width}} ms  {_bar(one.count / most, blocks):<{BAR_WIDTH}}  {one.count:,}"


def _bar(share: float, blocks: str) -> str:
    """A bar of up to ``BAR_WIDTH`` characters; what is not nothing is seen."""
    steps = len(blocks) - 1
    eighths = round(share * BAR_WIDTH * steps)
    whole, part = divmod(max(eighths, 1 if share else 0), steps)
    return blocks[-1] * whole + (blocks[part] if part else "")
