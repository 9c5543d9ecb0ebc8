"""Ctrl-C while modules are being imported.

Imports take most of a second on a slow machine. ``KeyboardInterrupt`` in the middle of one is a traceback at best, and is
swallowed at worst: importlib's own callbacks run between two bytecodes, and print what they catch.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["INTERRUPTED", "importing"]

INTERRUPTED = 130
"""``batchrun.cli.exits.ExitStatus.INTERRUPTED``; that module is not loaded yet."""


@contextmanager
def importing() -> Iterator[None]:
    """End the process at once on Ctrl-C; for imports, during which nothing needs to be finished or cleaned up."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, as under nohup, or somebody's own
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


def _exit_at_once(number: int, frame: FrameType | None) -> None:
    del number, frame
    if "--json" in sys.argv:
        os.write(1, b'{"problems": [{"place": "Ctrl-C", "fact": "interrupted", "fix": ""}], "exit_status": 130}\n')
    os.write(2, b"error: Ctrl-C: interrupted\n")
    os._exit(INTERRUPTED)
