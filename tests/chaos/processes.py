"""Processes of the command, and how each is ended."""

import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

__all__ = ["PATIENCE_S", "ending", "run_process"]

PATIENCE_S = 60


def ending(chance: random.Random) -> dict[str, Any]:
    """How one process is ended: by itself inside the ledger's writing, or from outside after a while."""
    kind = chance.choice(["write", "sync", "synced", "KILL", "KILL", "KILL", "INT", "TERM"])
    if kind in {"write", "sync", "synced"}:
        return {"kill": kind, "at": chance.randint(1, 60), "share": chance.random()}
    return {"signal": kind, "after_s": chance.uniform(0, 1.5)}


def run_process(spec: dict[str, Any], command: list[str], ledger: Path, environ: dict[str, str]) -> str:
    """Run a command in the ledger's folder; the way it was ended, or its exit status."""
    before = ledger.stat().st_size if ledger.exists() else 0
    log = (ledger.parent / "chaos.log").open("ab")
    with log, subprocess.Popen(command, cwd=ledger.parent, env=environ, stdout=log, stderr=log) as process:
        if "after_s" in spec:
            _wait_for_first_words(process, ledger, before)
        try:
            code = process.wait(timeout=spec.get("after_s", spec.get("wait_s", PATIENCE_S)))
        except subprocess.TimeoutExpired:
            name = spec.get("signal", "KILL")
            process.send_signal(signal.Signals[f"SIG{name}"])
            process.wait(timeout=PATIENCE_S)
            return f"SIG{name}"
    if code == -signal.SIGKILL:
        return f"in {spec['kill']}"
    return "had ended before" if "kill" in spec or "signal" in spec else str(code)


def _wait_for_first_words(process: subprocess.Popen[bytes], ledger: Path, before: int) -> None:
    """Until the process has written to the ledger, so that being ended meets it at work."""
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        if ledger.exists() and ledger.stat().st_size > before:
            return
        time.sleep(0.02)
