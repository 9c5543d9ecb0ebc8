"""Progress of a command that reads a lot from the service: one redrawn line, or a line now and then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.status import Status
from rich.text import Text

from batchrun.cli.output import Output
from batchrun.engine.listing.name_lists import ReadObserver

__all__ = ["reading"]

FIRST_LINE_AFTER_S = 3.0  # most are over by then
LINE_EVERY_S = 10.0


@contextmanager
def reading(output: Output, what: str) -> Iterator[ReadObserver]:
    """An observer that shows how much was read, and removes its line from the terminal at the end."""
    if output.quiet or not output.is_terminal:
        yield _plain(output, what)
        return
    with Status(Text(f"{what}: asking the service ..."), console=output.terminal) as status:

        def redraw(read: int, total: int | None) -> None:
            status.update(Text(_words(what, read, total)))

        yield redraw


def _plain(output: Output, what: str) -> ReadObserver:
    next_s = time.monotonic() + FIRST_LINE_AFTER_S

    def tell(read: int, total: int | None) -> None:
        nonlocal next_s
        if (now_s := time.monotonic()) >= next_s and total != 0:
            next_s = now_s + LINE_EVERY_S
            output.tell(_words(what, read, total))

    return tell


def _words(what: str, read: int, total: int | None) -> str:
    return f"{what}: {read:,} of {total:,} read" if total is not None else f"{what}: {read:,} read"
