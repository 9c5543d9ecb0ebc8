"""What ``bench`` does with its options: start or check the service, plan, measure, show."""

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import anyio
from pydantic import SecretStr

from batchrun.bench.figures import Figures
from batchrun.bench.measure import measure, synthetic_plan
from batchrun.cli.exits import ExitStatus
from batchrun.cli.interrupts import handling, run_interruptible, stop_signals
from batchrun.cli.loading import load_extra, loop_options
from batchrun.cli.output import Output
from batchrun.cli.progress import view_for
from batchrun.cli.text import numbered
from batchrun.cli.views.bench import bench_document, show_bench
from batchrun.cli.views.result import exit_status
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.submit import Submission
from batchrun.errors import UsageError
from batchrun.wherobots.settings import DEFAULT_TIMEOUT_S, ApiSettings, is_loopback
from batchrun.wherobots.transports import chosen_kind

__all__ = ["BenchRequest", "run_bench"]

DUMMY_KEY = "bench"
"""Used if the environment has no API key: the emulator accepts any."""
TEMPORARY = ".batchrun-bench-"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRequest:
    """What to measure."""

    runs: int
    settings: SubmitSettings
    intended_per_s: float | None
    """The rate that the runs are scheduled at; None sends them as the settings allow."""
    pace: str
    """The rate in words."""
    base_url: str | None
    """A service on this machine; None starts an emulator."""
    directory: Path
    """Where the ledger is written, because the speed of its disk counts."""
    ask: bool

    @property
    def service(self) -> str:
        return "emulator" if self.base_url is None else self.base_url

    def describe(self) -> str:
        service = "a local emulator" if self.base_url is None else self.base_url
        return f"{numbered(self.runs, 'run')}, concurrency {self.settings.concurrency:,}, {self.pace}, to {service}"


def run_bench(request: BenchRequest, output: Output) -> ExitStatus:
    """Measure, and show the figures.

    Raises:
        BatchrunError: the benchmark cannot start; nothing was sent.

    """
    transport = chosen_kind()  # first, because it raises for an unknown BATCHRUN_TRANSPORT
    # The service first: while its modules are imported, Ctrl-C ends the process without removing a directory.
    with _service(request.base_url) as api, _ledger_directory(request.directory) as directory:
        output.tell(f"bench: {request.describe()}")
        # An emulator of our own needs no question; a service that somebody else started may hold their runs.
        if request.base_url is not None and request.ask and output.can_ask and not output.ask("Send these runs?"):
            output.tell("nothing was sent")
            return ExitStatus.STOPPED
        figures, submission = _measure(request, api, directory, output)
    show_bench(figures, submission, output, is_paced=request.intended_per_s is not None)
    status = exit_status(submission)
    setting = {
        "service": request.service,
        "concurrency": request.settings.concurrency,
        "rate_per_s": request.intended_per_s,
        "pace": request.pace,
        "transport": transport.value,
        "uvloop": loop_options()["use_uvloop"],
    }
    output.document(bench_document(figures, submission, setting=setting, exit_status=int(status)))
    return status


def _measure(request: BenchRequest, api: ApiSettings, directory: Path, output: Output) -> tuple[Figures, Submission]:
    started = time.perf_counter()
    plan = synthetic_plan(request.runs)
    plan_s = time.perf_counter() - started
    gc.freeze()  # as submit does: the plan lives to the end, so scanning it for garbage is wasted time
    with view_for(output, "bench") as view:

        def clean_up() -> None:
            view.leave()
            rmtree(directory, ignore_errors=True)

        async def work(switch: StopSwitch) -> tuple[Figures, Submission]:
            return await measure(
                plan,
                api,
                directory / "bench.ledger.jsonl",
                settings=request.settings,
                plan_s=plan_s,
                intended_per_s=request.intended_per_s,
                observer=view,
                switch=switch,
            )

        interruptible = partial(run_interruptible, work, output.urge, clean_up, when_killed="there are no figures")
        return anyio.run(interruptible, backend_options=loop_options())


@contextmanager
def _ledger_directory(parent: Path) -> Iterator[Path]:
    """A temporary directory for the ledger, which a signal to stop removes as well."""
    # By default SIGTERM and SIGHUP end Python without unwinding, which would leave the directory behind.
    wanted = set(stop_signals()) - {signal.SIGINT}  # which Python raises
    try:
        with handling(wanted, _exit_terminated), TemporaryDirectory(prefix=TEMPORARY, dir=parent) as name:
            yield Path(name)
    except OSError as error:
        if error.filename is None or TEMPORARY not in str(error.filename):
            raise  # from the work inside, not from creating the directory
        fact = f"cannot create a ledger there: {error.strerror}"
        raise UsageError("--directory", f"{parent}: {fact}", "pass a directory on the disk to measure") from None


def _exit_terminated(received: signal.Signals) -> None:
    del received
    sys.exit(int(ExitStatus.TERMINATED))


@contextmanager
def _service(base_url: str | None) -> Iterator[ApiSettings]:
    """The settings for reaching the service; an emulator of our own runs for as long as the context.

    Raises:
        UsageError: the service is not on this machine, or the emulator is not installed.

    """
    if base_url is None:
        emulator_process = load_extra("batchrun.emulator.process:EmulatorProcess", extra="emulator", wanted_by="bench")
        with emulator_process() as emulator:
            yield ApiSettings(api_key=SecretStr(DUMMY_KEY), base_url=emulator.url, timeout_s=DEFAULT_TIMEOUT_S)
        return
    if not is_loopback(urlsplit(base_url).hostname or ""):
        fact = f"{base_url} is not on this machine, so the benchmark's runs would be executed and billed"
        raise UsageError(
            "--base-url", fact, "use a loopback address, such as that of batchrun emulator, or omit the option"
        )
    yield ApiSettings(api_key=SecretStr(os.environ.get("WHEROBOTS_API_KEY") or DUMMY_KEY), base_url=base_url)
