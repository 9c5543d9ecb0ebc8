"""The options that commands share, each in one place, and the settings that they become."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from batchrun.errors import UsageError
from batchrun.ledger.fold import Outcome
from batchrun.sweep.manifest.durations import DURATION_FIX, seconds_of

__all__ = [
    "Axis",
    "BaseUrl",
    "Burst",
    "Concurrency",
    "DryRun",
    "Emulator",
    "Extend",
    "Json",
    "LedgerArgument",
    "LedgerOption",
    "MaxActive",
    "MaxAttempts",
    "MaxPoints",
    "Quiet",
    "Rate",
    "Retry",
    "Sample",
    "Seed",
    "Set",
    "SettleAfter",
    "StopAfterFailures",
    "SweepArgument",
    "Timeout",
    "ToAnotherServer",
    "Where",
    "Yes",
    "count_or_share_from",
    "resume_command",
    "retry_from",
    "seconds_from",
    "settings_flags",
]

SweepArgument = Annotated[Path, typer.Argument(metavar="SWEEP", help="The manifest (.toml), or a plan (.jsonl).")]
LedgerArgument = Annotated[Path, typer.Argument(metavar="LEDGER", help="The batch's ledger (.ledger.jsonl).")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, all else on standard error.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress; only the result, notes and errors.")]

Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key, as run.runtime=large. Repeatable.")
]
Axis = Annotated[
    list[str] | None,
    typer.Option("--axis", metavar="NAME=TOML", help="Replace an axis, as year='[2021, 2023]'. Repeatable."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="NAME=TEST", help="Keep only points that pass, as region=us. Repeatable."),
]
Sample = Annotated[int | None, typer.Option("--sample", metavar="N", help="Take N points; needs --seed.")]
Seed = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="Which N points: the same seed, the same points.")
]
MaxPoints = Annotated[int | None, typer.Option("--max-points", metavar="N", help="Refuse a sweep of more points.")]

Rate = Annotated[float | None, typer.Option("--rate", metavar="R", help="Attempts a second, at most.")]
Burst = Annotated[
    int | None, typer.Option("--burst", metavar="N", help="Attempts that may go at once after a quiet time.")
]
Concurrency = Annotated[int | None, typer.Option("--concurrency", metavar="N", help="Attempts under way at once.")]
MaxActive = Annotated[
    int | None, typer.Option("--max-active", metavar="N", help="Unfinished runs of this batch at the service at once.")
]
MaxAttempts = Annotated[
    int | None, typer.Option("--max-attempts", metavar="N", help="Failed attempts until a run is given up.")
]
SettleAfter = Annotated[
    str | None,
    typer.Option("--settle-after", metavar="TIME", help="How long until a list without a lost run is believed: 30s."),
]
StopAfterFailures = Annotated[
    str | None,
    typer.Option("--stop-after-failures", metavar="N|P%", help="Stop at so many, or such a share of, failed runs."),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url", metavar="URL", help="The service; else WHEROBOTS_API_BASE_URL, WHEROBOTS_API_URL or the cloud."
    ),
]
Timeout = Annotated[str | None, typer.Option("--timeout", metavar="TIME", help="How long one request may take: 30s.")]
Emulator = Annotated[
    bool, typer.Option("--emulator", help="Submit to a local Wherobots Cloud in this process: no key, no network.")
]
LedgerOption = Annotated[
    Path | None, typer.Option("--ledger", metavar="PATH", help="The ledger; else SWEEP.ledger.jsonl beside the sweep.")
]
Retry = Annotated[
    str | None,
    typer.Option("--retry", metavar="WHICH", help="Send these again: rejected, failed, or both with a comma."),
]
ToAnotherServer = Annotated[
    bool, typer.Option("--to-another-server", help="Go on even though the batch was begun at another base URL.")
]
Extend = Annotated[bool, typer.Option("--extend", help="Go on although the sweep has changed since it was begun.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before sending.")]

PERCENT = 100
_NUMBER = re.compile(r"\d+(\.\d+)?")
RETRIABLE = (Outcome.REJECTED, Outcome.FAILED)


def retry_from(text: str | None) -> frozenset[Outcome]:
    """The outcomes that ``--retry`` names.

    Raises:
        UsageError: it names something else.

    """
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    known: dict[str, Outcome] = {outcome.value: outcome for outcome in RETRIABLE}
    if strange := [word for word in words if word not in known]:
        raise UsageError("--retry", f"'{strange[0]}' cannot be sent again", "give rejected, failed or rejected,failed")
    return frozenset(known[word] for word in words)


def settings_flags(typed: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given, as ``SubmitSettings`` names them.

    Raises:
        UsageError: a duration, a count or a share cannot be read.

    """
    flags = typed | {
        "settle_after_s": seconds_from("--settle-after", typed["settle_after"]),
        "stop_after_failures": count_or_share_from("--stop-after-failures", typed["stop_after_failures"]),
    }
    return {name: value for name, value in flags.items() if value is not None and name != "settle_after"}


def resume_command(ledger: Path, **flags: object) -> tuple[str, ...]:
    """The command that goes on with a batch as it was begun: the ledger, and the flags as they were typed."""
    words = ["batchrun", "resume", str(ledger)]
    for name, value in flags.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return tuple(words)


def seconds_from(flag: str, text: str | None) -> float | None:
    """Seconds from ``30``, ``30s``, ``5m``, ``2h``.

    Raises:
        UsageError: it is no duration.

    """
    if text is None:
        return None
    if (seconds := seconds_of(text)) is None:
        raise UsageError(flag, f"'{text}' is no time", DURATION_FIX)
    return seconds


def count_or_share_from(flag: str, text: str | None) -> float | None:
    """A count (``25``) or a share (``5%``, which is 0.05).

    Raises:
        UsageError: it is neither.

    """
    if text is None:
        return None
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    if percent and _NUMBER.fullmatch(number) and 0 < float(number) < PERCENT:
        return float(number) / PERCENT
    if not percent and number.isdecimal() and int(number) > 0:
        return float(number)
    raise UsageError(
        flag, f"'{text}' is neither a count nor a share", "give a number such as 25, or a share such as 5%"
    )
