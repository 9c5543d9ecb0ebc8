"""Handle Ctrl-C while modules are being imported.

Imports take most of a second on a slow machine. ``KeyboardInterrupt`` in the middle of one is a traceback at best, and is
swallowed at worst: importlib's own callbacks run between two bytecodes, and print what they catch.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["INTERRUPTED", "heed_interrupts", "importing", "is_default"]

INTERRUPTED = 130
"""``batchrun.cli.exits.ExitStatus.INTERRUPTED``; that module is not loaded yet."""


@contextmanager
def importing() -> Iterator[None]:
    """End the process at once on Ctrl-C; for imports, during which nothing needs to be finished or cleaned up."""
    if (
        signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):  # ignored, as under nohup, or handled by someone else
        yield
        return
    try:
        signal.signal(signal.SIGINT, _exit_at_once)
    except ValueError:  # not the main thread: signals do not arrive here
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def heed_interrupts() -> None:
    """Raise ``KeyboardInterrupt`` on Ctrl-C as usual, but end the process at once if it comes in the middle of an import.

    Libraries import modules when they first need them, as typer does while it reads the command line.
    """
    if is_default():
        signal.signal(signal.SIGINT, _interrupt)


def is_default() -> bool:
    """Whether nothing else than Python, or ``heed_interrupts``, handles Ctrl-C."""
    return signal.getsignal(signal.SIGINT) in {signal.default_int_handler, _interrupt}


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        _exit_at_once(number, frame)
    signal.default_int_handler(number, frame)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _exit_at_once(number: int, frame: FrameType | None) -> None:
    del number, frame
    if "--json" in sys.argv:
        os.write(1, b'{"problems": [{"place": "Ctrl-C", "fact": "interrupted", "fix": ""}], "exit_status": 130}\n')
    os.write(2, b"error: Ctrl-C: interrupted\n")
    os._exit(INTERRUPTED)
