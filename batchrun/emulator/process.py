"""The emulator in a process beside this one, for measuring: it takes no time from whoever uses it.

It ends when its standard input does, so it never outlives the process that started it, however that dies.
"""

import subprocess
import sys
from types import TracebackType
from typing import Self

from batchrun.emulator.http.server import EmulatorServer
from batchrun.errors import UsageError

__all__ = ["EmulatorProcess"]

END_WITHIN_S = 5.0


class EmulatorProcess:
    """A well-behaved service on a free loopback port, which lives as long as the context. Any key opens it."""

    def __init__(self) -> None:
        self.url = ""

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            UsageError: it did not start.

        """
        words = [sys.executable, "-m", "batchrun.emulator.process"]
        # A session of its own: Ctrl-C is for the one who measures, and the service is there until it has drained.
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, and a module of ours
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self._end()
            raise UsageError("emulator", "it did not start", "see what it said above")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self._process.stdin.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Serve until standard input ends; the first line on standard output is the URL."""
    with EmulatorServer() as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
