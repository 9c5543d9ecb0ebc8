"""A real terminal (tmux) in which commands are typed, and its screen as SVG."""

import io
import os
import re
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

__all__ = ["Terminal", "svg"]

COLUMNS, LINES = 108, 40
PROMPT = "$ "
FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
# Rich's picture loads its font from another host; a page of ours loads nothing.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("Fira Code", FONT)


class Terminal:
    """A shell with a plain prompt, in a folder, with an environment of its own."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._folder = folder
        self._environ = {name: value for name, value in environ.items() if name not in {"TMUX", "NO_COLOR"}}
        self._socket = f"pictures-{os.getpid()}"

    def __enter__(self) -> Self:
        (self._folder / "rc").write_text(f"PS1='{PROMPT}'\n", "utf-8")
        size = ("-x", str(COLUMNS), "-y", str(LINES))
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "bash --noprofile --rcfile rc")
        self._wait(1, 20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server")

    def run(self, command: str, *, timeout_s: float = 180) -> None:
        """Type a command, and wait for the next prompt.

        Raises:
            TimeoutError: it took too long.

        """
        prompts = self._prompts()
        self._tmux("send-keys", "-l", command)
        self._tmux("send-keys", "Enter")
        time.sleep(0.5)  # until the shell has read the line
        self._wait(prompts + 1, timeout_s)

    def screen(self) -> str:
        """What is on the screen, with its colours as escape sequences, without the last prompt."""
        lines = self._tmux("capture-pane", "-e", "-p").rstrip().splitlines()
        return "\n".join(lines[:-1]) + "\n"

    def _wait(self, prompts: int, timeout_s: float) -> None:
        """Until the last line is an empty prompt, and there are as many prompts as given."""
        deadline = time.monotonic() + timeout_s
        while self._prompts() < prompts or self._text().rstrip().splitlines()[-1] != PROMPT.rstrip():
            if time.monotonic() > deadline:
                raise TimeoutError(self._text())
            time.sleep(0.1)

    def _prompts(self) -> int:
        return sum(line.startswith(PROMPT.rstrip()) for line in self._text().splitlines())

    def _text(self) -> str:
        return self._tmux("capture-pane", "-p")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words],
            cwd=self._folder,
            env=self._environ,
            check=True,
            stdout=subprocess.PIPE,
        )
        return done.stdout.decode()


def svg(screen: str, title: str) -> str:
    """A screen as a picture; it loads no font."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(screen), end="")
    picture = console.export_svg(title=title, theme=DIMMED_MONOKAI, code_format=FORMAT, unique_id="terminal")
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"
