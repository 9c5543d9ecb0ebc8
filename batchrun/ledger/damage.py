"""An unreadable line in the middle of a ledger: where the last sync ended, as far as that is known, and what to do."""

from pathlib import Path
from typing import get_args

import msgspec

from batchrun.errors import LedgerDamagedError
from batchrun.files import lines_of, open_regular
from batchrun.ledger.events import (
    AttemptEvent,
    Event,
    FailedEvent,
    RefusedEvent,
    RejectedEvent,
    SubmittedEvent,
    UnknownEvent,
    read_event,
)
from batchrun.redaction import clipped

__all__ = ["damaged", "reason_of"]

LONGEST_REASON = 200
"""Characters; msgspec's messages are short, except for what they quote."""

KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(Event))

Ending = SubmittedEvent | RefusedEvent | UnknownEvent | RejectedEvent | FailedEvent


def damaged(path: Path, error: Exception, *, number: int, start: int, line: bytes) -> LedgerDamagedError:
    """The error about line ``number``, which begins at byte ``start``.

    An attempt is sent only after it was synced, so the first ending of an attempt proves that everything up to the attempt
    had been synced. Damage before such a point is the disk's or somebody's doing. Damage behind the last of them is what a
    power cut leaves of a write that had not been synced, and on whose strength nothing was sent.
    """
    if (kind := _kind_of(line)) is not None and kind not in KINDS:
        fact = f"the event '{clipped(kind, LONGEST_REASON)}' is not known to this version of batchrun"
        return LedgerDamagedError(f"{path}:{number}", fact, "use the version that wrote it, or a later one")
    synced_line, synced_end = _last_sync(path)
    zeros = line.count(0)
    what = f"{zeros:,} zero bytes" if zeros else reason_of(error)
    fact = f"the line cannot be read ({what}); the last write known to be synced ended at line {synced_line:,}, byte {synced_end:,}"
    if synced_end > start:
        fix = "restore the file from a backup, or rebuild it with batchrun recover; nothing was sent"
        return LedgerDamagedError(f"{path}:{number}", f"{fact}, after this line", fix)
    fix = (
        f"if the power failed while it was written, keep a copy and cut it there: truncate -s {start} {path}; "
        "otherwise restore it from a backup"
    )
    return LedgerDamagedError(f"{path}:{number}", fact, fix)


def reason_of(error: Exception) -> str:
    """Why a line cannot be read, shortened: the decoder may quote the whole line."""
    return clipped(str(error) or type(error).__name__, LONGEST_REASON)


class _AnyEvent(msgspec.Struct):
    event: str


def _kind_of(line: bytes) -> str | None:
    """What a line calls its event, if it can be parsed at all."""
    try:
        return msgspec.json.decode(line, type=_AnyEvent).event
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _last_sync(path: Path) -> tuple[int, int]:
    """The last line that is known to have been synced, and the byte at which it ends."""
    attempts: dict[tuple[str, int], tuple[int, int]] = {}
    synced, end = (1, 0), 0
    with open_regular(path) as file:
        for number, line in enumerate(lines_of(file), 1):
            end += len(line)
            if number == 1:
                synced = (1, end)  # the batch event is synced before anything else is written
            try:
                event = read_event(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if isinstance(event, AttemptEvent):
                attempts[event.key, event.n] = (number, end)
            elif isinstance(event, Ending) and (begun := attempts.pop((event.key, event.n), None)) is not None:
                synced = max(synced, begun)
    return synced
