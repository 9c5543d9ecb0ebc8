"""``batchrun logs``."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from batchrun.cli import options as o
from batchrun.cli.exits import ExitStatus
from batchrun.cli.flags import SelectionFlags, expand_flags
from batchrun.cli.looking import ask_service, reader_for, service_of
from batchrun.cli.output import Output
from batchrun.cli.text import numbered
from batchrun.cli.views.logs import LogPrinter, show_groups
from batchrun.errors import ApiError, Problem, UsageError
from batchrun.ledger.find import find_ledger
from batchrun.ledger.statuses import has_ended
from batchrun.report.choice import choose_logs
from batchrun.report.rows import BatchRows, RunRow, read_rows
from batchrun.report.run_label import RunGroup, group_of
from batchrun.tracking.log_errors import group_by_error
from batchrun.tracking.logs import QUIET_S, follow_log, read_log, tail_log
from batchrun.tracking.reading import Reader
from batchrun.tracking.save_logs import FORBIDDEN, LoggedRun, Saved, save_logs, unread_log
from batchrun.wherobots.client import RunsClient

__all__ = ["EXAMPLES", "logs"]

MOST_EQUAL = 3
"""Notes that differ only in the run."""

EXAMPLES = """
Examples:

\b
  batchrun logs sweep.toml tile-10001 --follow
      the log of one run, as it grows; Ctrl-C does not affect the run
  batchrun logs sweep.toml --failed
      the last lines of every failed run, grouped by error
  batchrun logs sweep.toml --status failed --save logs/
      a file for each failed run; run it again to continue
"""

TAIL_OF_FAILED = 20
"""Lines: a traceback, and what was logged before it."""
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Print new lines as they arrive, until the run ends.")]
Tail = Annotated[int | None, typer.Option("--tail", "-t", metavar="N", min=1, help="Show only the last N lines.")]
Failed = Annotated[bool, typer.Option("--failed", help="Show the last lines of every failed run, grouped by error.")]
Save = Annotated[Path | None, typer.Option("--save", metavar="DIR", help="Write a file for each run into a folder.")]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="With --follow: do not wait for late lines after the run ends.")
]


@expand_flags
def logs(
    path: o.LedgerArgument,
    *,
    selected: SelectionFlags,
    follow: Follow = False,
    tail: Tail = None,
    failed: Failed = False,
    save: Save = None,
    no_wait: NoWait = False,
    emulator: o.OfEmulator = False,
    base_url: o.BaseUrl = None,
    timeout: o.Timeout = None,
    as_json: o.Json = False,
) -> int:
    """Show or save logs: one run's log, the last lines of failed runs, or a file per run.

    The service cannot read a log from its end, so --tail reads the whole log.
    """
    ledger, output = find_ledger(path, emulator=emulator), Output(as_json=as_json)
    found = read_rows(ledger)
    rows = choose_logs(found, selected.selection())
    if failed:
        rows = [row for row in rows if group_of(row.outcome, row.status) is RunGroup.FAILED]
    _check(rows, found, selected, follow=follow, many=failed or save is not None, as_json=as_json)
    if not rows:
        output.say("no created run matches; nothing was read")
        output.document({"runs": [], "exit_status": 0})
        return ExitStatus.DONE

    async def work(client: RunsClient) -> ExitStatus:
        reader = reader_for(client, found.state)
        if save is not None:
            return await _save(client, reader, rows, output, folder=save)
        if failed:
            return await _failed(client, reader, rows, output, count=tail or TAIL_OF_FAILED)
        quiet_s = 0.0 if no_wait else QUIET_S
        return await _print(client, reader, rows, output, follow=follow, tail=tail, quiet_s=quiet_s)

    service = service_of(ledger, base_url=base_url)
    return ask_service(service, work, ledger=ledger, timeout_s=o.seconds_from("--timeout", timeout))


def _check(
    rows: Sequence[RunRow], found: BatchRows, selected: SelectionFlags, *, follow: bool, many: bool, as_json: bool
) -> None:
    if follow and (many or as_json or len(rows) > 1):
        raise UsageError(
            "--follow", "follows a single run and prints text", "name one run, without --failed, --save or --json"
        )
    if not many and not selected.selection().names and len(rows) > 1:
        fact = f"no run is named, and the batch has {numbered(len(found.rows), 'run')}"
        raise UsageError("logs", fact, "pass names of runs, --failed, or --save DIR")


async def _print(
    client: RunsClient,
    reader: Reader,
    rows: Sequence[RunRow],
    output: Output,
    *,
    follow: bool,
    tail: int | None,
    quiet_s: float,
) -> ExitStatus:
    printer, document = LogPrinter(output), list[dict[str, Any]]()
    for row in rows:
        run_id = row.run_id or ""
        printer.begin(row.name, is_only=len(rows) == 1)
        if follow:
            ended = partial(_has_ended, client, reader, run_id)
            lines = follow_log(client, run_id, reader=reader, is_ended=ended, quiet_s=quiet_s)
        else:
            lines = read_log(client, run_id, reader=reader)
        if tail is not None and not follow:
            kept = await tail_log(client, run_id, tail, reader=reader, on_line=printer.count)
            for line in kept:
                printer.line(line)
        else:
            kept = []
            async for line in lines:
                printer.line(line)
                # Only for the document: printed as it comes, a log may be larger than the memory.
                kept += [line] if output.as_json else []
        document.append(
            {
                "name": row.name,
                "run_id": run_id,
                "lines": [{"timestamp": line.timestamp, "raw": line.raw} for line in kept],
            }
        )
    output.document({"runs": document, "exit_status": 0})
    return ExitStatus.DONE


async def _has_ended(client: RunsClient, reader: Reader, run_id: str) -> bool:
    seen = await reader.read(partial(client.find, run_id), may_miss=True)
    return seen is None or has_ended(seen.status)


async def _failed(
    client: RunsClient, reader: Reader, rows: Sequence[RunRow], output: Output, *, count: int
) -> ExitStatus:
    tails: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for number, row in enumerate(rows, 1):
        output.tell(f"reading log {number:,} of {len(rows):,}: {row.name}")
        try:
            tails[row.name] = [line.raw for line in await tail_log(client, row.run_id or "", count, reader=reader)]
        except ApiError as error:
            problems.append(unread_log(row.name, error))
            if error.http_status == FORBIDDEN:  # the key may not read logs: none of the others either
                break
    _warn(problems, output)
    groups = group_by_error(tails)
    show_groups(groups, tails, output)
    status = ExitStatus.INCOMPLETE if problems else ExitStatus.DONE
    document = {"groups": [{"error": error, "runs": names} for error, names in groups.items()], "tails": tails}
    output.document(document | {"problems": [one.json() for one in problems], "exit_status": int(status)})
    return status


def _warn(problems: Sequence[Problem], output: Output) -> None:
    """Warn about a few of the equal problems of many runs, then count the rest: a thousand of them would hide the others."""
    equal: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        equal.setdefault((problem.fact, problem.fix), []).append(problem)
    for (fact, fix), same in equal.items():
        for problem in same[:MOST_EQUAL]:
            output.warn(problem)
        if rest := len(same[MOST_EQUAL:]):
            output.warn(Problem(numbered(rest, "other run"), fact, fix))


async def _save(
    client: RunsClient, reader: Reader, rows: Sequence[RunRow], output: Output, *, folder: Path
) -> ExitStatus:
    runs = [
        LoggedRun(name=row.name, run_id=row.run_id or "", generation=row.generation, is_final=has_ended(row.status))
        for row in rows
    ]
    saved = await save_logs(client, runs, folder, reader=reader, on_progress=_progress(output, len(runs)))
    _warn(saved.problems, output)
    kept = f", {saved.kept:,} already saved" if saved.kept else ""
    output.say(f"{numbered(saved.written, 'log')} written to {folder}{kept}; {saved.lines:,} lines")
    status = ExitStatus.INCOMPLETE if saved.problems else ExitStatus.DONE
    document = {"written": saved.written, "kept": saved.kept, "lines": saved.lines, "folder": str(folder)}
    output.document(document | {"problems": [one.json() for one in saved.problems], "exit_status": int(status)})
    return status


def _progress(output: Output, total: int) -> Callable[[Saved], None]:
    def report(saved: Saved) -> None:
        done = saved.written + saved.kept + len(saved.problems)
        if done % 50 == 0 and done < total:
            output.tell(f"{done:,} of {total:,} logs")

    return report
