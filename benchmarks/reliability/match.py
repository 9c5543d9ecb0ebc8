"""One contender against one service: started, killed twice, started again until it is done."""

import os
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batchrun.emulator.http.server import EmulatorServer
from benchmarks.reliability.contenders import CLIENTS, OUTPUT, Contender
from benchmarks.reliability.postgres import new_database
from benchmarks.reliability.service import environment, serve, times_created, write_names

__all__ = ["Score", "play"]

KILLS = (1 / 3, 2 / 3)
"""A SIGKILL to the whole process group when so much of the runs exists at the service."""
STARTS = 8  # two after kills; the others where a program ends with an error and its user would start it again
LIMIT_S = 1200.0
REST_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How one contender did, counted at the service."""

    contender: str
    seed: int
    created: int  # names that exist at the service
    twice: int  # names that exist more than once
    missing: int
    seconds: float
    claimed: int | None
    starts: int
    exit_status: int | None  # of the last start; None if it was ended because it took too long

    def json(self) -> dict[str, Any]:
        return asdict(self)


def play(contender: Contender, seed: int, runs: int, socket: str | None) -> Score:
    """Let a contender create ``runs`` runs in a folder of its own."""
    with tempfile.TemporaryDirectory() as name, serve(seed) as server:
        folder = Path(name)
        names = write_names(folder, runs)
        environ = os.environ | environment(server)
        if contender.database and socket is not None:
            environ["DATABASE_URL"] = new_database(socket, f"sweep{seed}_{os.urandom(4).hex()}")
            environ["PYTHONPATH"] = str(CLIENTS)
        if contender.prepare:
            subprocess.run(contender.prepare, cwd=folder, env=environ, check=True, capture_output=True)
        began = time.monotonic()
        starts, status = _run_until_done(contender, folder, environ, server, runs)
        seconds = time.monotonic() - began
        time.sleep(REST_S)
        times = times_created(server, names)
        return Score(
            contender=contender.name,
            seed=seed,
            created=runs - times[0],
            twice=sum(count for often, count in times.items() if often > 1),
            missing=times[0],
            seconds=round(seconds, 1),
            claimed=contender.claim(folder),
            starts=starts,
            exit_status=status,
        )


def _run_until_done(
    contender: Contender, folder: Path, environ: dict[str, str], server: EmulatorServer, runs: int
) -> tuple[int, int | None]:
    """How many starts it took, and how the last one ended."""
    kills = [int(runs * share) for share in KILLS]
    deadline = time.monotonic() + LIMIT_S
    status: int | None = None
    for start in range(1, STARTS + 1):
        with (folder / OUTPUT).open("ab") as output:
            process = subprocess.Popen(
                contender.command, cwd=folder, env=environ, stdout=output, stderr=output, start_new_session=True
            )
        status = _watch(process, server, kills, deadline)
        if status == 0 or time.monotonic() > deadline:
            return start, status
        time.sleep(REST_S)
    return STARTS, status


def _watch(process: subprocess.Popen[bytes], server: EmulatorServer, kills: list[int], deadline: float) -> int | None:
    """Its exit status; the process group is killed when the next of ``kills`` is reached."""
    store = server.app.state.store
    try:
        while (status := process.poll()) is None:
            if kills and len(store.runs) >= kills[0]:
                kills.pop(0)
                break
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        else:
            return status
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return None if time.monotonic() > deadline else -signal.SIGKILL
