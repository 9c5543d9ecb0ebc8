"""Shorten a ledger without changing the batch's state: of a run that was created, only its last event matters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batchrun.errors import LedgerError, LedgerWriteError, UsageError
from batchrun.files import whole_file
from batchrun.ledger.durable import sync_directory
from batchrun.ledger.events import (
    CancelEvent,
    CompactedEvent,
    CostEvent,
    DuplicatesEvent,
    Event,
    FailedEvent,
    RateEvent,
    RejectedEvent,
    StatusEvent,
    SubmittedEvent,
    event_line,
)
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import BatchState, Outcome, RunState
from batchrun.ledger.reader import read_events

__all__ = ["Compaction", "compact"]

Subject = tuple[type, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """The result of compacting."""

    lines_before: int
    lines_after: int
    bytes_before: int
    bytes_after: int


def compact(path: Path) -> Compaction:
    """Replace a ledger by a shorter one of the same state, in one step, while no other process writes it.

    Runs that were created keep their line also if they left the plan. Runs that are pending or unknown keep every line, since
    settling needs to know when they were first sent.

    Raises:
        LedgerHeldError: another process is writing it.
        LedgerWriteError: the shorter one cannot be written; the ledger is as it was.
        LedgerError: the ledger cannot be used.

    """
    with FileLedger.open(path) as ledger:
        path = ledger.path
        if ledger.is_new:
            raise LedgerError(str(path), "the ledger is empty", "there is nothing to compact")
        _check_single(path)
        before = path.stat().st_size
        try:
            read, kept = _replace(path, ledger.state)
        except (OSError, UsageError) as error:
            why = error.problems[0].fact if isinstance(error, UsageError) else error.strerror or error
            fact = f"the shorter ledger cannot be written: {why}"
            raise LedgerWriteError(str(path), fact, "the ledger is unchanged; free disk space and try again") from error
        return Compaction(lines_before=read, lines_after=kept, bytes_before=before, bytes_after=path.stat().st_size)


def _check_single(path: Path) -> None:
    """Refuse a file with several names: the others would keep the old content, as a second ledger of the batch."""
    if (links := path.stat().st_nlink) > 1:
        fact = f"the ledger has {links} hard links, and compacting would replace only this one"
        raise LedgerError(
            str(path), fact, f"delete the others (find -samefile {path.name} lists them), or use symbolic links"
        )


def _replace(path: Path, state: BatchState) -> tuple[int, int]:
    """Lines read and lines kept. The name changes hands only when the new file is durable."""
    read = sum(1 for _ in read_events(path))
    with whole_file(path, mode=0o600, is_durable=True) as shorter:
        kept = sum(1 for line in _kept(path, state) if shorter.write(line))
    sync_directory(path.parent)
    return read, kept


def _kept(path: Path, state: BatchState) -> Iterator[bytes]:
    latest = _latest(path, state)
    for number, event in enumerate(read_events(path)):
        if _matters(event, state) and latest.get(_subject(event, state), number) == number:
            yield event_line(event)
    yield event_line(
        CompactedEvent(
            # Not the present: nothing happened to the batch meanwhile, and reports show when something last did.
            at=state.last_at or "",
            attempts=state.attempts,
            settled=state.settled,
            sessions=state.sessions,
            refusals=state.refusals,
            attempted_at=state.attempted_at,
            attempted_offset_s=state.attempted_offset_s,
        )
    )


def _latest(path: Path, state: BatchState) -> dict[Subject, int]:
    """The last event of each kind of which only the last one counts."""
    return {
        subject: number
        for number, event in enumerate(read_events(path))
        if (subject := _subject(event, state)) is not None
    }


def _subject(event: Event, state: BatchState) -> Subject:
    """The subject of an event, if a later event about the same subject replaces it."""
    match event:
        case StatusEvent() | CostEvent():
            return type(event), event.run_id
        case RateEvent():
            return type(event), ""
        case RejectedEvent() | FailedEvent() if _has_only_ended(state.runs.get(event.key)):
            return RejectedEvent, event.key  # it was tried again, and ended like this once more
        case _:
            return None


def _has_only_ended(run: RunState | None) -> bool:
    """Whether nothing matters of a run but that it was rejected, or failed."""
    if run is None or run.outcome not in {Outcome.REJECTED, Outcome.FAILED}:
        return False
    return run.since_s is None and run.generation == 1


def _matters(event: Event, state: BatchState) -> bool:
    key: str | None = getattr(event, "key", None)
    if key is None:
        return type(event) is not CompactedEvent
    run = state.runs.get(key)
    if run is None:
        return False
    match run.outcome:
        case Outcome.SUBMITTED:
            is_kept = isinstance(event, SubmittedEvent | StatusEvent | CostEvent | CancelEvent | DuplicatesEvent)
            return is_kept or key in state.to_check or run.generation > 1
        case Outcome.REJECTED | Outcome.FAILED if _has_only_ended(run):
            return isinstance(event, RejectedEvent | FailedEvent)
        case _:
            return True
