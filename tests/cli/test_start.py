"""Ctrl-C at any moment after the start: an exit status, soon, and never a traceback."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batchrun.cli.early_interrupts import importing
from tests.cli.conftest import KEY

SOON_S = 60.0
"""A second where nothing else keeps the machine busy. Unheeded, preflight alone takes a minute and a half."""
DELAYS_S = (0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6, 0.9, 1.3)


def interrupted(folder: Path, delay_s: float, *words: str) -> tuple[int, str, str]:
    """Start the command, send it SIGINT after a while, and wait; how it ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "batchrun", *words],
        cwd=folder,
        env={**os.environ, "WHEROBOTS_API_KEY": KEY},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SOON_S)
    return process.returncode, out, err


@pytest.mark.slow
def test_ctrl_c_is_heeded_from_the_start_on(tmp_path: Path, sweep: Path) -> None:
    for delay_s in DELAYS_S:
        status, out, err = interrupted(tmp_path, delay_s, "submit", sweep.name, "--emulator", "-y")
        # -2: the interpreter had not come to our first line yet, or had left our last one
        if "import runpy" in err:  # Python's own start-up, before any line of ours
            continue
        assert status in {130, -signal.SIGINT, 0}, (delay_s, out, err)
        if "cli/start.py" in err or status == 130:
            assert "Traceback" not in err, (delay_s, err)
            assert "Exception ignored" not in err, (delay_s, err)


def test_an_ignored_interrupt_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with importing():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_handler_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    with importing():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_interrupted_import_says_so_and_has_a_status(more: list[str]) -> None:
    code = "import os, signal\nfrom batchrun.cli.early_interrupts import importing\nwith importing(): os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run([sys.executable, "-c", code, *more], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "error: Ctrl-C: interrupted\n")
    assert done.stdout.startswith('{"problems"') is bool(more)


@pytest.mark.slow
def test_ctrl_c_is_heeded_while_the_service_does_not_answer(tmp_path: Path, sweep: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "batchrun", "submit", sweep.name, "-y", "--base-url", url],
            cwd=tmp_path,
            env={**os.environ, "WHEROBOTS_API_KEY": KEY},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = silent.accept()  # preflight has begun
        with connection:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=SOON_S)
    assert (process.returncode, "Traceback" in err) == (130, False), (out, err)
    assert "to resume" in out


def heeded(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    (folder / "late.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(1000): pass\n"
    )
    code = f"from batchrun.cli.early_interrupts import heed_interrupts\nimport os, signal\nheed_interrupts()\n{code}"
    words = [sys.executable, "-c", code]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def test_an_import_that_a_library_makes_later_is_ended_as_well(tmp_path: Path) -> None:
    code = "try: import late\nexcept BaseException: pass\nprint('went on')"  # as a callback of importlib swallows it
    done = heeded(tmp_path, code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: Ctrl-C: interrupted\n")


def test_outside_of_imports_an_interrupt_is_an_exception_that_cleans_up(tmp_path: Path) -> None:
    done = heeded(tmp_path, "try: os.kill(os.getpid(), signal.SIGINT)\nexcept KeyboardInterrupt: print('cleaned up')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "cleaned up\n", "")
