"""A measured thing as a row, the processes that are measured, and the table of all."""

import os
import statistics
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

__all__ = ["GROWING", "ONE_RUN", "SUBMITTING", "Measured", "Row", "medians", "print_rows", "run_once"]

SUBMITTING, GROWING = "Submitting", "Growing"
"""How the groups that are drawn begin."""
ONE_RUN = "batchrun submit, 1 run"
"""The row that is mostly start-up."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One process by the operating system's accounting: seconds from start to end, CPU seconds, peak memory."""

    seconds: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``count`` things done in ``seconds``; what was not measured is None."""

    group: str
    name: str
    count: int
    seconds: float
    cpu_s: float | None = None
    peak_mb: float | None = None

    @classmethod
    def of(cls, group: str, name: str, count: int, many: Sequence[Measured]) -> "Row":
        one = medians(many)
        return cls(group=group, name=name, count=count, seconds=one.seconds, cpu_s=one.cpu_s, peak_mb=one.peak_mb)

    @property
    def per_s(self) -> float:
        return self.count / self.seconds

    @property
    def cpu_us(self) -> float | None:
        """CPU time of one of them, in microseconds."""
        return None if self.cpu_s is None else self.cpu_s / self.count * 1e6

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Row":
        return cls(**{name: value for name, value in fields.items() if name != "per_s"})

    def json(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in ("group", "name", "count", "seconds", "cpu_s", "peak_mb")}
        rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in fields.items()}
        return rounded | {"per_s": round(self.per_s, 1)}


def run_once(command: Sequence[str], *, cwd: Path | None = None) -> Measured:
    """Run a command to its end, its words thrown away.

    The system counts the memory of the process that starts another in the peak of that one, so this one has to stay small:
    nothing of batchrun is imported where processes are measured.

    Raises:
        SystemExit: it failed; says what it wrote to standard error.

    """
    environ = os.environ | {"WHEROBOTS_API_KEY": "bench"}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def medians(many: Sequence[Measured]) -> Measured:
    columns = zip(*((one.seconds, one.cpu_s, one.peak_mb) for one in many), strict=True)
    return Measured(*(statistics.median(column) for column in columns))


def print_rows(rows: Iterable[Row]) -> None:
    for group, members in groupby(rows, key=lambda row: row.group):
        print(f"\n{group:38}{'count':>10}{'seconds':>10}{'a second':>12}{'µs CPU each':>13}{'peak MB':>9}")
        for row in members:
            cpu = "" if row.cpu_us is None or row.count == 1 else f"{row.cpu_us:,.0f}"
            peak = "" if row.peak_mb is None else f"{row.peak_mb:,.0f}"
            rate = "" if row.count == 1 else f"{row.per_s:,.0f}"
            print(f"  {row.name:36}{row.count:>10,}{row.seconds:>10.3f}{rate:>12}{cpu:>13}{peak:>9}")
