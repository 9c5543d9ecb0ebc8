"""The lines of a run's log, as Spark writes them. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from batchrun.emulator.runs.failures import Failure
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.schedule import uniform
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import RunStatus

__all__ = ["body_line", "last_lines"]

_BODY = (
    "INFO DAGScheduler: Submitting ResultStage {n} (MapPartitionsRDD[{m}] at save at NativeMethodAccessorImpl.java:0)",
    "INFO TaskSetManager: Finished task {m}.0 in stage {n}.0 (TID {m}) in 1{n} ms on 10.0.3.7 (executor 2) ({m}/200)",
    "INFO BlockManagerInfo: Added broadcast_{n}_piece0 in memory on 10.0.3.7:40271 (size: 1{m}.3 KiB, free: 4.1 GiB)",
    "WARN TaskSetManager: Lost task {m}.0 in stage {n}.0 (TID {m}) (10.0.3.7 executor 2): FetchFailed(null, shuffleId=1)",
)
# What a terminal, a CSV file or a page must never obey.
_HOSTILE = (
    "\x1b[2J\x1b[31mcleared\x1b[0m",
    "\x1b]0;title\x07\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\u202egpj.exe\u202c \u2066hidden\u2069 \u200bzero\u200bwidth",
    "carriage\rreturn and \x00 nul and \x9b31m",
    "[bold]markup[/bold] [/]",
)
_TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/opt/wherobots/job/main.py", line 42, in <module>',
    "    main()",
    '  File "/opt/wherobots/job/main.py", line 37, in main',
    "    frame.write.save(path)",
)


def body_line(run: StoredRun, number: int, time: float, settings: EmulatorSettings) -> str:
    """Line ``number``, from 0, of what a run writes while it runs."""
    if number == 0:
        return f"Starting {run.name} on {run.runtime}"
    if settings.log_content == "hostile":
        text = _HOSTILE[number % len(_HOSTILE)]
    elif number == 1:
        text = f"{_stamp(time)} INFO SparkContext: Running Spark version 3.5.5"
    elif uniform(run.number, "log", number) < 0.5:  # noqa: PLR2004 - half of the lines are those of the script
        text = f"{run.name}: step {number} of {settings.log_lines - 1}"
    else:
        template = _BODY[int(uniform(run.number, "log_line", number) * len(_BODY))]
        text = f"{_stamp(time)} {template.format(n=number // 8, m=number)}"
    return text.ljust(settings.log_line_bytes, ".")


def last_lines(run: StoredRun, status: RunStatus, time: float) -> Sequence[str]:
    """What is written when a run ends."""
    stamp, failure = _stamp(time), run.lifecycle.failure
    if status is RunStatus.CANCELLED:
        return (f"{stamp} INFO SparkContext: Invoking stop() from shutdown hook", "Run cancelled")
    if failure is not None:
        return (*_failed(stamp, failure), f"Run {status.value.lower()}")
    if status is RunStatus.TIMED_OUT:
        message = f"timeout of {run.timeout_s} seconds reached"
        return (f"{stamp} ERROR ApplicationMaster: {message}", f"Run stopped: {message}")
    return (f"{stamp} INFO SparkContext: Successfully stopped SparkContext", "Run completed")


def _failed(stamp: str, failure: Failure) -> Sequence[str]:
    return (
        f"{stamp} ERROR TaskSetManager: Task 3 in stage 7.0 failed 4 times; aborting job",
        *_TRACEBACK,
        failure.message,
    )


def _stamp(time: float) -> str:
    """The time as Spark's default layout prints it."""
    return datetime.fromtimestamp(time, UTC).strftime("%y/%m/%d %H:%M:%S")
