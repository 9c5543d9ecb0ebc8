"""The entry point: makes Ctrl-C harmless while everything else is still being imported."""

import os
import signal
import sys

from batchrun.cli.early_interrupts import INTERRUPTED, heed_interrupts, importing, is_default

__all__ = ["main"]

TERMINATED = 143


def main() -> None:
    """Run the command line and exit with its status."""
    with importing():
        from batchrun.cli import app  # noqa: PLC0415 - after the handler is installed
    heed_interrupts()
    try:
        status = app.main()
    except KeyboardInterrupt:  # after the command's own handling, such as while its last words were printed
        status = INTERRUPTED
    if is_default():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the interpreter's own shutdown would print a traceback
    if status in {INTERRUPTED, TERMINATED}:
        # A thread may still wait for a name server or a disk, and the interpreter would wait for the thread.
        os._exit(status)
    sys.exit(status)
