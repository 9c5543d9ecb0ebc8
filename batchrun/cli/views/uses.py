"""What a plan uses besides the manifest: scripts, environment values, and files outside the sweep's folder."""

from collections.abc import Sequence
from pathlib import Path

from batchrun.cli.text import numbered
from batchrun.sweep.plan import Plan

__all__ = ["outside_files", "uses_lines"]

STDIN = "-"
NAMED = 5
"""How many scripts or files are named; the others are only counted."""


def uses_lines(plan: Plan, *, ledger: Path | None = None) -> list[str]:
    """A line for each kind of thing that is used. It may be someone else's: this is what it would use.

    ``ledger`` is the one that the plan was made from: it says itself where its sweep was, so that its own folder counts.
    """
    scripts = [f"{script.uri} ({numbered(script.runs, 'run')})" for script in plan.scripts]
    names = list(plan.environment_names)
    return [
        *_line("script" if len(scripts) == 1 else "scripts", scripts),
        *_line("environment values that are sent", names, most=len(names)),
        *_line("files outside this folder", outside_files(plan, ledger=ledger)),
    ]


def _line(what: str, things: Sequence[str], most: int = NAMED) -> list[str]:
    more = f", and {len(things) - most:,} more" if len(things) > most else ""
    return [f"{what}: {', '.join(things[:most])}{more}"] if things else []


def outside_files(plan: Plan, *, ledger: Path | None = None) -> list[str]:
    """Data files and local files whose content becomes part of what is sent, and that lie outside the sweep's folder."""
    if plan.manifest is None:
        return [str(upload.file.source) for upload in plan.uploads]
    directory = plan.manifest.directory.resolve()
    sources = [directory / file.path for file in plan.files if file.path != STDIN]
    sources += [upload.file.source for upload in plan.uploads]
    folder = directory if ledger is None else ledger.resolve().parent
    resolved = dict.fromkeys(source.resolve() for source in sources)
    return [str(source) for source in resolved if not source.is_relative_to(folder)]
