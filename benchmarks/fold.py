"""A ledger of a million submitted runs: how long reading and folding it takes, and how much memory.

python -m benchmarks.fold [RUNS] [ROUNDS]
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.rows import Measured, Row, print_rows, run_once

__all__ = ["fold_rows"]

ROUNDS = 1
RUNS = 1_000_000
AT = "2026-11-23T10:00:00.000Z"
BATCH = (
    f'{{"event":"batch","at":"{AT}","format":1,"batch_id":"b","name":"big","runs":%d,'
    '"plan_sha256":"0","base_url":"http://127.0.0.1","batchrun":"0"}\n'
)


def write(path: Path, runs: int) -> None:
    """A session that went well: an attempt and its ending for each run."""
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


def commands(path: Path) -> dict[str, list[str]]:
    read = "import sys; from pathlib import Path; from batchrun import read_state; read_state(Path(sys.argv[1]))"
    batchrun = [sys.executable, "-m", "batchrun"]
    return {
        "read and fold": [sys.executable, "-c", read, str(path)],
        "batchrun status": [*batchrun, "status", str(path)],
        "batchrun ledger check": [*batchrun, "ledger", "check", str(path)],
    }


def fold_rows(runs: int, rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.ledger.jsonl"
        write(path, runs)
        group = f"Reading a ledger of {path.stat().st_size / 1e6:.0f} MB"
        found: dict[str, list[Measured]] = {name: [] for name in commands(path)}
        for _ in range(rounds):
            for name, command in commands(path).items():
                found[name].append(run_once(command))
    return [Row.of(group, name, runs, many) for name, many in found.items()]


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    print_rows(fold_rows(*(numbers + [RUNS, ROUNDS][len(numbers) :])))
