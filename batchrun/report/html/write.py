"""The report of one or more ledgers as a file."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import escape

from batchrun.errors import UsageError
from batchrun.files import whole_file
from batchrun.redaction import LEAST_LENGTH, MASK, credentials_of
from batchrun.report.html.content import LastLine, ReportOptions, content_of
from batchrun.report.html.page import MARKER, render
from batchrun.report.html.run_links import checked_console_url
from batchrun.report.html.source import read_source

__all__ = ["Report", "default_output", "make_report", "write_report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as one HTML document that needs nothing else."""

    html: str
    runs: int
    """Planned runs, over all ledgers."""


def make_report(
    ledgers: Sequence[str | Path],
    *,
    title: str | None = None,
    console_url: str | None = None,
    last_line: LastLine | None = None,
    now: Callable[[], float] = time.time,
) -> Report:
    """The report of some ledgers; works while they are being written.

    ``console_url`` is the address of a run's page with ``{run_id}`` in it; without it, run ids are not links.

    Raises:
        LedgerError: a ledger cannot be read, is not a ledger of this format, or is damaged.
        UsageError: ``console_url`` has no ``{run_id}``, or is not an http or https address.

    """
    template = checked_console_url(console_url)
    source = read_source([Path(ledger) for ledger in ledgers])
    options = ReportOptions(title=title, console_url=template, last_line=last_line, made_s=now())
    return Report(
        html=_without_credentials(render(content_of(source, options))), runs=len(source.rows) + source.not_sent
    )


def _without_credentials(html: str) -> str:
    """A last guard: ledgers are written without credentials, and this one may not be ours."""
    for secret in credentials_of():
        if len(secret) >= LEAST_LENGTH:  # a shorter one may be a word of the page's own style
            html = html.replace(secret, MASK).replace(str(escape(secret)), MASK)
    return html


def write_report(report: Report, output: str | Path) -> int:
    """Write the report, and return its size in bytes. Only an earlier report is overwritten.

    Raises:
        UsageError: the file exists and is not a report, or it cannot be written.

    """
    target = Path(output)
    # Only what begins as a report does: `-o sweep.toml` would be a small slip with a large loss.
    if target.is_file() and target.stat().st_size and not _is_report(target):
        raise UsageError(str(target), "exists and is not a batchrun report", "choose another name")
    data = report.html.encode()
    with whole_file(target) as unfinished:
        unfinished.write(data)
    return len(data)


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MARKER)) == MARKER.encode()


def default_output(ledger: Path) -> Path:
    """``sweep.report.html`` beside ``sweep.ledger.jsonl``."""
    return ledger.parent / (ledger.name.removesuffix(".jsonl").removesuffix(".ledger") + ".report.html")
