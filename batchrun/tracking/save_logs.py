"""Save the logs of many runs to a folder, one file each; an existing file is complete."""

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from batchrun.errors import ApiError, Problem, first_of
from batchrun.tracking.logs import read_log
from batchrun.tracking.reading import Reader
from batchrun.wherobots.client import RunsClient

__all__ = ["FORBIDDEN", "LoggedRun", "Saved", "log_file_name", "save_logs", "unread_log"]

FORBIDDEN = 403
"""The HTTP status of a call that the key may not make, for any run."""

CONCURRENCY = 8
"""Logs read at once: with responses in 100 ms, enough for 80 pages a second, more than the read rate allows."""
LINES_PER_WRITE = 5000
"""Lines written by one call in a thread: starting it takes longer than writing a line."""
LONGEST_NAME = 240
"""Bytes of a file name, with room for a suffix: file systems allow 255."""
_NOT_IN_NAMES = re.compile(r"^[.-]|[^A-Za-z0-9_.-]")
"""The service allows no other characters in names. A file that begins with a dot is hidden, one with a dash is an option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRun:
    """A run whose log is wanted. ``is_final``: it has ended, so its file need not be made again."""

    name: str
    run_id: str
    generation: int
    is_final: bool


@dataclass(slots=True, kw_only=True)
class Saved:
    """The result of saving logs."""

    written: int = 0
    kept: int = 0
    """Files that were already complete."""
    lines: int = 0
    problems: list[Problem] = field(default_factory=list)
    is_forbidden: bool = False
    """The key may not read logs: the rest were not asked for."""


def unread_log(name: str, error: ApiError) -> Problem:
    """Why a run's log was not read."""
    problem = error.problems[0]
    return Problem(name, f"{problem.place}: {problem.fact}", problem.fix)


def log_file_name(run: LoggedRun) -> str:
    """``NAME.log``, or ``NAME-r2.log`` for a later generation; a name that is too long keeps its start and the run's id.

    So does a name that no run can have, as in a ledger that somebody else made: it must not lead out of the folder.
    """
    suffix = f"-r{run.generation}" if run.generation > 1 else ""
    name = _NOT_IN_NAMES.sub("_", run.name) or "_"
    if name == run.name and len(name) + len(suffix) <= LONGEST_NAME:
        return f"{name}{suffix}.log"
    return f"{name[: LONGEST_NAME - 80]}-{_NOT_IN_NAMES.sub('_', run.run_id[:64])}{suffix}.log"


async def save_logs(
    client: RunsClient,
    runs: Sequence[LoggedRun],
    folder: Path,
    *,
    reader: Reader,
    on_progress: Callable[[Saved], object] = lambda _: None,
) -> Saved:
    """Write the logs of runs into a folder, several at a time. Interrupted, it can simply be called again.

    A log appears under its name only when it was read to its end. Those of runs that have ended are not read again.

    Raises:
        OSError: the folder cannot be written.

    """
    await anyio.to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
    saved, limiter = Saved(), anyio.CapacityLimiter(CONCURRENCY)
    failure: OSError | None = None

    async def save(run: LoggedRun) -> None:
        async with limiter:
            if saved.is_forbidden:
                return
            await _save(client, run, folder / log_file_name(run), saved=saved, reader=reader)
            on_progress(saved)

    try:
        async with anyio.create_task_group() as tasks:
            for run in runs:
                tasks.start_soon(save, run)
    except* OSError as group:
        failure = first_of(group)
    if failure is not None:
        raise failure
    return saved


async def _save(client: RunsClient, run: LoggedRun, target: Path, *, saved: Saved, reader: Reader) -> None:
    if run.is_final and await anyio.to_thread.run_sync(target.is_file):
        saved.kept += 1
        return
    # In the same folder, so that renaming it is atomic.
    descriptor, name = await anyio.to_thread.run_sync(lambda: tempfile.mkstemp(dir=target.parent, prefix=".log-"))
    unfinished = Path(name)
    try:
        try:
            await _write(client, run, partial(_write_all, descriptor), saved=saved, reader=reader)
        finally:
            os.close(descriptor)
        await anyio.to_thread.run_sync(unfinished.replace, target)
        saved.written += 1
    except ApiError as error:
        if not saved.is_forbidden:  # a key that may not read one log may read none: said once, not for each run
            saved.problems.append(unread_log(run.name, error))
        saved.is_forbidden |= error.http_status == FORBIDDEN
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(partial(unfinished.unlink, missing_ok=True))


async def _write(
    client: RunsClient, run: LoggedRun, write: Callable[[str], object], *, saved: Saved, reader: Reader
) -> None:
    buffer: list[str] = []

    async def flush() -> None:
        text = "".join(buffer)
        saved.lines += len(buffer)
        buffer.clear()
        await anyio.to_thread.run_sync(write, text)

    async for line in read_log(client, run.run_id, reader=reader):
        buffer.append(line.raw.rstrip("\n") + "\n")
        if len(buffer) >= LINES_PER_WRITE:
            await flush()
    await flush()


def _write_all(descriptor: int, text: str) -> None:
    view = memoryview(text.encode(errors="replace"))
    while view:
        view = view[os.write(descriptor, view) :]
