"""The emulator in a separate process, for benchmarks: it takes no CPU time from the event loop being measured.

The process exits when its standard input closes, so it never outlives its parent, even if the parent is killed.
"""

import os
import subprocess
import sys
from types import TracebackType
from typing import Self

from batchrun.emulator.http.server import EmulatorServer
from batchrun.errors import UsageError

__all__ = ["EmulatorProcess"]

STOP_TIMEOUT_S = 5.0


class EmulatorProcess:
    """A well-behaved service on a free loopback port that lives as long as the context. Any API key is accepted."""

    def __init__(self) -> None:
        self.url = ""

    def __enter__(self) -> Self:
        """Start the process and wait for its address.

        Raises:
            UsageError: it did not start.

        """
        # -P: without the current directory on the path, where a file named like one of our imports would be run. The API key
        # is none of its business.
        command = [sys.executable, "-P", "-m", "batchrun.emulator.process"]
        environ = {name: value for name, value in os.environ.items() if name != "WHEROBOTS_API_KEY"}
        # A session of its own: Ctrl-C must reach only the parent, which still needs the service until it has drained.
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, running one of our modules
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self._stop()
            raise UsageError("emulator", "it did not start", "see its error output above")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Serve until standard input closes; the first line of standard output is the URL."""
    with EmulatorServer() as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
