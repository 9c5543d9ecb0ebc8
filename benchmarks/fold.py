"""A ledger of a million runs, submitted, and then followed to their end: how long reading it takes, and how much memory.

python -m benchmarks.fold [RUNS] [ROUNDS]
"""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.rows import Measured, Row, print_rows, run_once

__all__ = ["fold_rows", "write"]

ROUNDS = 1
RUNS = 1_000_000
AT = "2026-11-23T10:00:00.000Z"
_BEGAN = datetime(2026, 11, 23, 10, tzinfo=UTC)
BATCH = (
    f'{{"event":"batch","at":"{AT}","format":1,"batch_id":"b","name":"big","runs":%d,'
    '"plan_sha256":"0","base_url":"http://127.0.0.1","batchrun":"0"}\n'
)


def write(path: Path, runs: int, *, statuses: bool) -> None:
    """A session that went well: an attempt and its ending for each run; with ``statuses``, when it started and ended too."""
    with path.open("w") as file:
        file.write(BATCH % runs)
        file.write(f'{{"event":"session","at":"{AT}","action":"start","pid":1,"host":"h"}}\n')
        for index in range(runs):
            key = f"{index:016x}"
            file.write(f'{{"event":"attempt","at":"{AT}","key":"{key}","n":1}}\n')
            file.write(
                f'{{"event":"submitted","at":"{AT}","key":"{key}","n":1,"run_id":"gt{index:012d}",'
                f'"name":"tile-{index}-2026","status":"PENDING","point":{{"tile":{index},"year":2026}}}}\n'
            )
            if statuses:
                file.write(_statuses(key, index))


def _statuses(key: str, index: int) -> str:
    """A run that waits for 90 s and works for five minutes; one is created every 10 ms."""
    created_s = index / 100
    created, started, completed = (_BEGAN + timedelta(seconds=created_s + late_s) for late_s in (0, 90, 390))
    known = f'"run_id":"gt{index:012d}","create_time":"{_time(created)}","start_time":"{_time(started)}"'
    event = f'{{"event":"status","at":"{AT}","key":"{key}",{known},"kube_app_id":"app-gt{index:012d}"'
    done = f',"status":"COMPLETED","complete_time":"{_time(completed)}"}}\n'
    return f'{event},"status":"RUNNING"}}\n{event}{done}'


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def commands(path: Path) -> dict[str, list[str]]:
    read = "import sys; from pathlib import Path; from batchrun import read_state; read_state(Path(sys.argv[1]))"
    batchrun = [sys.executable, "-m", "batchrun"]
    return {
        "read and fold": [sys.executable, "-c", read, str(path)],
        "batchrun status": [*batchrun, "status", str(path)],
        "batchrun ledger check": [*batchrun, "ledger", "check", str(path)],
    }


def fold_rows(runs: int, rounds: int) -> list[Row]:
    return [row for statuses in (False, True) for row in _rows(runs, rounds, statuses=statuses)]


def _rows(runs: int, rounds: int, *, statuses: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.ledger.jsonl"
        write(path, runs, statuses=statuses)
        what = "two statuses a run" if statuses else "submitted"
        group = f"Reading {path.stat().st_size / 1e6:.0f} MB, {what}"
        found: dict[str, list[Measured]] = {name: [] for name in commands(path)}
        for _ in range(rounds):
            for name, command in commands(path).items():
                found[name].append(run_once(command))
    return [Row.of(group, name, runs, many) for name, many in found.items()]


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    print_rows(fold_rows(*(numbers + [RUNS, ROUNDS][len(numbers) :])))
