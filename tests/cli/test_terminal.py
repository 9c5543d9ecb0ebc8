"""On a real terminal: what is asked, what is drawn, and that it is left as it was."""

import os
import re
from pathlib import Path

from batchrun.emulator.http.server import EmulatorServer
from tests.cli.conftest import held
from tests.cli.terminal import Terminal


def test_a_person_is_asked_sees_it_go_by_and_gets_the_account(
    sweep: Path, server: EmulatorServer, terminals: list[Terminal]
) -> None:
    terminal = Terminal("submit", sweep, "--base-url", server.url, "--rate", "8", cwd=sweep.parent)
    terminals.append(terminal)
    terminal.wait_for("[y/N]")
    assert "12 runs" in terminal.printed
    assert held(server) == []
    terminal.type("y\n")
    terminal.wait_for("of 12 submitted")
    terminal.wait_for("/s (")
    assert terminal.wait() == 0
    assert re.search(r"planned +12", terminal.printed)
    assert terminal.printed.count("\x1b[?25l") == terminal.printed.count("\x1b[?25h") >= 1, "the cursor is back"


def test_no_is_respected(sweep: Path, server: EmulatorServer, terminals: list[Terminal]) -> None:
    terminal = Terminal("submit", sweep, "--base-url", server.url, cwd=sweep.parent)
    terminals.append(terminal)
    terminal.wait_for("[y/N]")
    terminal.type("\n")
    assert terminal.wait() == 3
    assert "nothing was sent" in terminal.printed
    assert held(server) == []
    assert list(sweep.parent.glob("*.ledger.jsonl")) == []


def test_ctrl_c_at_the_question_sends_nothing(sweep: Path, server: EmulatorServer, terminals: list[Terminal]) -> None:
    terminal = Terminal("submit", sweep, "--base-url", server.url, cwd=sweep.parent)
    terminals.append(terminal)
    terminal.wait_for("[y/N]")
    os.killpg(terminal._process.pid, 2)
    assert terminal.wait() == 130
    assert "Traceback" not in terminal.printed
    assert held(server) == []


def test_yes_is_not_asked_and_no_color_has_none(sweep: Path, server: EmulatorServer, terminals: list[Terminal]) -> None:
    terminal = Terminal(
        "submit", sweep, "--base-url", server.url, "--rate", "30", "--yes", cwd=sweep.parent, NO_COLOR="1"
    )
    terminals.append(terminal)
    assert terminal.wait() == 0
    assert "[y/N]" not in terminal.printed
    assert "\x1b" not in terminal.printed
    assert "12 runs to submit" in terminal.printed
