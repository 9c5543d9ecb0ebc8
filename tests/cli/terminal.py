"""A pseudo-terminal, as a person sits at one."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["COMMAND", "Terminal"]

COMMAND = Path(sys.executable).with_name("batchrun")


class Terminal:
    """A command with a pseudo-terminal of its own."""

    def __init__(self, *words: str | Path, cwd: Path, **environ: str) -> None:
        self._master, slave = pty.openpty()
        self.printed = ""
        self._process = subprocess.Popen(
            [COMMAND, *words],
            cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", **environ},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait_for(self, text: str, *, within_s: float = 20) -> None:
        """Read until the text was printed."""
        until = time.monotonic() + within_s
        while text not in self.printed:
            assert time.monotonic() < until, self.printed
            self._read()

    def wait(self) -> int:
        """Read to the end; the exit status."""
        while self._read():
            pass
        return self._process.wait(20)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 0.1)
        if not ready:
            return self._process.poll() is None
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # the other side is closed
            return False
        self.printed += chunk.decode(errors="replace")
        return bool(chunk)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)
