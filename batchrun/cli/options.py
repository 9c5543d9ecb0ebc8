"""The options that commands share, and how their values are parsed."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from batchrun.cli.text import words_of
from batchrun.errors import UsageError
from batchrun.ledger.fold import Outcome
from batchrun.sweep.manifest.durations import DURATION_FIX, seconds_of

__all__ = [
    "AdoptExisting",
    "Again",
    "Axis",
    "BaseUrl",
    "Burst",
    "Concurrency",
    "DryRun",
    "Emulator",
    "Extend",
    "GiveUpAfter",
    "Json",
    "LedgerArgument",
    "LedgerArguments",
    "LedgerOption",
    "MaxActive",
    "MaxAttempts",
    "MaxPoints",
    "Names",
    "NotOurs",
    "OfEmulator",
    "Quiet",
    "Rate",
    "ReadRate",
    "Recreate",
    "Retry",
    "Sample",
    "Seed",
    "Set",
    "SettleAfter",
    "StatusFilter",
    "StopAfterFailures",
    "SweepArgument",
    "Timeout",
    "ToAnotherServer",
    "Watch",
    "Where",
    "WhereRun",
    "Yes",
    "count_or_share_from",
    "resume_command",
    "retry_from",
    "seconds_from",
    "settings_flags",
]

SweepArgument = Annotated[
    Path, typer.Argument(metavar="SWEEP", help="Manifest (.toml; - is stdin) or saved plan (.jsonl).")
]
LedgerArgument = Annotated[
    Path, typer.Argument(metavar="LEDGER", help="The batch's ledger (.ledger.jsonl), or the sweep that it belongs to.")
]
LedgerArguments = Annotated[
    list[Path], typer.Argument(metavar="LEDGER", help="Ledgers (.ledger.jsonl), or the sweeps that they belong to.")
]
OfEmulator = Annotated[bool, typer.Option("--emulator", help="With a sweep: use the ledger of its emulator runs.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document to stdout; everything else goes to stderr.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Hide progress; show only the result, notes and errors.")]

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a manifest key, e.g. run.runtime=large. Repeatable."),
]
Axis = Annotated[
    list[str] | None,
    typer.Option("--axis", metavar="NAME=TOML", help="Replace an axis, e.g. year='[2021, 2023]'. Repeatable."),
]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="Names, keys or ids of runs.", show_default=False)
]
StatusFilter = Annotated[
    list[str] | None,
    typer.Option(
        "--status", "-s", metavar="STATUS", help="Only runs with this status, e.g. failed,timed_out. Repeatable."
    ),
]
WhereRun = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="NAME=TEST", help="Only runs with matching points, e.g. region=us. Repeatable."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="NAME=TEST", help="Keep only matching points, e.g. region=us. Repeatable."),
]
Sample = Annotated[
    int | None, typer.Option("--sample", metavar="N", help="Take a random sample of N points; requires --seed.")
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", help="Seed for --sample; the same seed always selects the same points."),
]
MaxPoints = Annotated[
    int | None, typer.Option("--max-points", metavar="N", help="Fail if the sweep has more than N points.")
]

Rate = Annotated[float | None, typer.Option("--rate", metavar="R", help="Maximum attempts per second.")]
Burst = Annotated[
    int | None, typer.Option("--burst", metavar="N", help="Attempts that may be sent at once after an idle period.")
]
ReadRate = Annotated[
    float | None,
    typer.Option(
        "--read-rate",
        metavar="R",
        help="Maximum read requests per second; default: 5, or a fifth of the attempt rate (half while no attempt is waiting) if that is higher.",
    ),
]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", metavar="N", help="Maximum attempts in flight at once.")
]
MaxActive = Annotated[
    int | None,
    typer.Option("--max-active", metavar="N", help="Maximum unfinished runs of this batch at the service."),
]
MaxAttempts = Annotated[
    int | None, typer.Option("--max-attempts", metavar="N", help="Failed attempts before giving up on a run.")
]
SettleAfter = Annotated[
    str | None,
    typer.Option(
        "--settle-after",
        metavar="TIME",
        help="How long to wait before concluding that a lost request created no run, e.g. 30s.",
    ),
]
GiveUpAfter = Annotated[
    str | None,
    typer.Option(
        "--give-up-after",
        metavar="TIME",
        help="Stop (resumable) if no run is created for this long, e.g. 1h; default: never on a terminal, otherwise 1h.",
    ),
]
StopAfterFailures = Annotated[
    str | None,
    typer.Option(
        "--stop-after-failures",
        metavar="N|P%",
        help="Stop once N runs, or P% of the runs sent, have failed or been rejected.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Service URL; defaults to WHEROBOTS_API_BASE_URL, then WHEROBOTS_API_URL, then Wherobots Cloud.",
    ),
]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="TIME", help="Timeout for a single request, e.g. 30s.")
]
Emulator = Annotated[
    bool,
    typer.Option(
        "--emulator", help="Submit to an emulator of Wherobots Cloud in this process; needs no API key or network."
    ),
]
LedgerOption = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="PATH",
        help="Ledger path; defaults to SWEEP.ledger.jsonl next to the sweep; with --emulator, SWEEP.emulator.ledger.jsonl.",
    ),
]
Retry = Annotated[
    str | None,
    typer.Option("--retry", metavar="WHICH", help="Send these runs again: rejected, failed or rejected,failed."),
]
ToAnotherServer = Annotated[
    bool, typer.Option("--to-another-server", help="Continue even if the batch started at a different base URL.")
]
Recreate = Annotated[
    bool,
    typer.Option(
        "--recreate",
        help="With --extend: also recreate points that were created with a different payload. Those runs are billed again.",
    ),
]
Again = Annotated[
    bool,
    typer.Option("--again", help="Create the runs even though this ledger is new and runs with the same names exist."),
]
AdoptExisting = Annotated[
    bool,
    typer.Option("--adopt-existing", help="Adopt existing runs that have planned names but are not in this ledger."),
]
NotOurs = Annotated[
    bool,
    typer.Option(
        "--not-ours", help="Treat existing runs that have planned names but are not in this ledger as another batch's."
    ),
]
Extend = Annotated[bool, typer.Option("--extend", help="Continue even if the sweep changed after the batch started.")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Follow the runs until they end, as with batchrun watch.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be sent without sending anything.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Send without asking for confirmation.")]

PERCENT = 100
_NUMBER = re.compile(r"\d+(\.\d+)?")
AS_TYPED = ("settle_after", "give_up_after")
"""Durations as they were typed; the settings hold their seconds."""
RETRIABLE = (Outcome.REJECTED, Outcome.FAILED)
"""Pending and unknown runs need no flag: resuming always takes them up."""


def retry_from(text: str | None) -> frozenset[Outcome]:
    """The outcomes named by ``--retry``.

    Raises:
        UsageError: an outcome that cannot be retried.

    """
    names = words_of([text or ""])
    retriable: dict[str, Outcome] = {outcome.value: outcome for outcome in RETRIABLE}
    if unknown := [name for name in names if name not in retriable]:
        raise UsageError("--retry", f"'{unknown[0]}' cannot be retried", "use rejected, failed or rejected,failed")
    return frozenset(retriable[name] for name in names)


def settings_flags(typed: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given, under their ``SubmitSettings`` names.

    Raises:
        UsageError: a duration, a count or a percentage cannot be parsed.

    """
    flags = typed | {
        "settle_after_s": seconds_from("--settle-after", typed["settle_after"]),
        "give_up_after_s": seconds_from("--give-up-after", typed["give_up_after"]),
        "stop_after_failures": count_or_share_from("--stop-after-failures", typed["stop_after_failures"]),
    }
    return {name: value for name, value in flags.items() if value is not None and name not in AS_TYPED}


def resume_command(ledger: Path, **flags: object) -> tuple[str, ...]:
    """The command that resumes the batch with the flags it was started with, as typed."""
    words = ["batchrun", "resume", str(ledger)]
    for name, value in flags.items():
        if value is not None:
            # As typed, so that a person finds in the command what they wrote.
            words += [f"--{name.replace('_', '-')}", str(value)]
    return tuple(words)


def seconds_from(flag: str, text: str | None) -> float | None:
    """Seconds from ``30``, ``30s``, ``5m``, ``2h``.

    Raises:
        UsageError: not a duration.

    """
    if text is None:
        return None
    if (seconds := seconds_of(text)) is None:
        raise UsageError(flag, f"'{text}' is not a duration", DURATION_FIX)
    return seconds


def count_or_share_from(flag: str, text: str | None) -> float | None:
    """A count (``25``) or a share (``5%``, returned as 0.05).

    100% and 0% are refused: ``SubmitSettings`` reads 1 and more as a count, and accepts only values above 0.

    Raises:
        UsageError: neither of the two.

    """
    if text is None:
        return None
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    if percent and _NUMBER.fullmatch(number) and 0 < float(number) < PERCENT:
        return float(number) / PERCENT
    if not percent and number.isdecimal() and int(number) > 0:
        return float(number)
    raise UsageError(
        flag, f"'{text}' is not a count or a percentage", "use a count such as 25 or a percentage such as 5%"
    )
