"""One round of chaos: a batch under a service that misbehaves, killed again and again, and then compared."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchrun.ledger.fold import BatchState, Outcome
from tests.chaos import audit

__all__ = ["ChaosError", "Figures", "Service", "play", "service"]

HERE = Path(__file__).parent
SWEEP = """\
version = 1

[run]
name    = "chaos-run-{{{{tile}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{{{tile}}}}"]

[axes]
tile = {{ from = 1, to = {runs} }}

[submit]
max_points = 100000
"""
"""Names without leading zeros: chaos-run-1 is a part of chaos-run-10."""

MOST = {
    "reset_after_commit": 0.03,
    "error_after_commit": 0.03,
    "cut_body": 0.02,
    "garbled_body": 0.02,
    "hang": 0.006,
    "late_commit": 0.006,
    "hang_before_commit": 0.006,
    "reset_before_commit": 0.02,
    "error_before_commit": 0.02,
    "conflict": 0.02,
    "slow": 0.02,
    "rate_limit": 0.006,
    "unavailable": 0.003,
}
"""The largest share of requests that each fault strikes; a round draws its own below."""
STARTS_AT_MOST = 14
KILLS_AT_MOST = 3
PATIENCE_S = 20


class ChaosError(AssertionError):
    """The ledger and the service do not agree; says the seed that repeats the round."""


@dataclass(slots=True)
class Figures:
    """What was done and seen, added up over rounds."""

    rounds: int = 0
    runs: int = 0
    starts: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    settled: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Figures") -> None:
        for name in ("rounds", "runs", "starts", "attempts", "settled"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kills += other.kills
        self.faults += other.faults
        self.outcomes += other.outcomes


class Service:
    """An emulator in a process of its own, through its control calls."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, path: str, *, method: str = "GET", body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            held: bytes = answer.read()
        return held

    def held(self) -> Iterator[dict[str, Any]]:
        return map(json.loads, self.call("runs").splitlines())

    def faults(self) -> Counter[str]:
        return Counter(json.loads(self.call("stats"))["faults"])


@contextmanager
def service() -> Iterator[Service]:
    command = [sys.executable, "-m", "batchrun", "emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Service(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


def misbehaviour(chance: random.Random) -> dict[str, Any]:
    """The service's settings for one round."""
    return {
        "seed": chance.randrange(10**6),
        "faults": {name: round(share * chance.random(), 4) for name, share in MOST.items()},
        "error_statuses": chance.sample([500, 502, 503, 504], 2),
        "retry_after": chance.choice(["none", "seconds", "fraction", "date", "mixed", "odd"]),
        "list_lag_s": chance.choice([0, 0.1, 0.3]),
        "list_name_match": chance.choice(["exact", "substring"]),
        "late_commit_s": 0.3,
        "slow_s": 0.2,
        "hang_s": 20,
    }


def ending(chance: random.Random) -> dict[str, Any]:
    """How one process is ended: by itself inside the ledger's writing, or from outside after a while."""
    kind = chance.choice(["write", "sync", "synced", "KILL", "KILL", "KILL", "INT", "TERM"])
    if kind in {"write", "sync", "synced"}:
        return {"kill": kind, "at": chance.randint(1, 60), "share": chance.random()}
    return {"signal": kind, "after_s": chance.uniform(0, 1.5)}


def play(seed: int, service: Service, folder: Path, *, runs: int, weakness: str = "") -> Figures:
    """Carry one batch out, whatever happens.

    Raises:
        ChaosError: a run was lost or made twice, or an outcome is untrue.

    """
    chance, figures = random.Random(seed), Figures(rounds=1, runs=runs)
    service.call("reset", method="POST")
    service.call("config", method="PUT", body=misbehaviour(chance))
    (folder / "chaos.toml").write_text(SWEEP.format(runs=runs))
    ledger = folder / "chaos.ledger.jsonl"
    for _ in range(chance.randint(1, KILLS_AT_MOST)):
        how = ending(chance)
        figures.kills[_run(service, folder, how | {"weaken": weakness}, chance, runs)] += 1
        figures.starts += 1
        if _is_begun(ledger):
            _compare(seed, service, ledger, is_over=False)
        elif held := list(service.held()):
            raise ChaosError(f"seed {seed}: lost: {len(held)} runs exist, and the ledger has no whole line")
    status = ""
    while status not in {"0", "1"} and figures.starts < STARTS_AT_MOST:
        status = _run(service, folder, {"weaken": weakness}, chance, runs)
        figures.starts += 1
        if status == "SIGKILL":  # nonsense in Retry-After may mean an hour
            figures.kills["SIGKILL in a long wait"] += 1
            service.call("config", method="PUT", body={"retry_after": "fraction"})
    _count(figures, _compare(seed, service, ledger, is_over=True), service)
    return figures


def _wait_for_first_words(process: subprocess.Popen[bytes], ledger: Path, before: int) -> None:
    """Until the process has written to the ledger, so that being ended meets it at work."""
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        if ledger.exists() and ledger.stat().st_size > before:
            return
        time.sleep(0.02)


def _run(service: Service, folder: Path, spec: dict[str, Any], chance: random.Random, runs: int) -> str:
    """Run the command once; the way it was ended, or its exit status."""
    ledger = folder / "chaos.ledger.jsonl"
    words = (
        ["resume", str(ledger)] if _is_begun(ledger) and chance.random() < 0.5 else ["submit", "chaos.toml", "--yes"]
    )
    rate = f"{runs / chance.uniform(0.5, 2):.0f}"
    flags = ["--base-url", service.url, "--rate", rate, "--concurrency", "32", "--timeout", "1s"]
    flags += ["--settle-after", "1s", "--max-attempts", "20", "--quiet"]
    command = [sys.executable, str(HERE / "victim.py"), json.dumps(spec), *words, *flags]
    environ = {**os.environ, "WHEROBOTS_API_KEY": "chaos-key", "PYTHONPATH": str(HERE.parents[1])}
    before = ledger.stat().st_size if ledger.exists() else 0
    log = (folder / "chaos.log").open("ab")
    with log, subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log) as process:
        if "after_s" in spec:
            _wait_for_first_words(process, ledger, before)
        try:
            code = process.wait(timeout=spec.get("after_s", PATIENCE_S))
        except subprocess.TimeoutExpired:
            name = spec.get("signal", "KILL")
            process.send_signal(signal.Signals[f"SIG{name}"])
            process.wait(timeout=PATIENCE_S)
            return f"SIG{name}"
    if code == -signal.SIGKILL:
        return f"in {spec['kill']}"
    return "had ended before" if "kill" in spec or "signal" in spec else str(code)


def _is_begun(ledger: Path) -> bool:
    """Whether it has a whole line; one that was killed in its first line has none."""
    return ledger.exists() and b"\n" in ledger.read_bytes()


def _compare(seed: int, service: Service, ledger: Path, *, is_over: bool) -> BatchState:
    time.sleep(0.8 if is_over else 0.05)  # a commit that comes late must be seen as well
    state, found = audit.read(ledger, list(service.held()), is_over=is_over)
    if found:
        told = "\n  ".join(found[:10])
        message = f"seed {seed}: {len(found)} findings\n  {told}\n  repeat: python -m tests.chaos.soak --seed {seed}"
        raise ChaosError(message)
    return state


def _count(figures: Figures, state: BatchState, service: Service) -> None:
    figures.faults = service.faults()
    figures.attempts = state.attempts
    figures.settled = state.settled
    figures.outcomes = Counter({str(one): state.count(one) for one in Outcome if state.count(one)})
