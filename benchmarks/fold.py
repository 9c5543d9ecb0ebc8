"""A ledger of a million submitted runs: how long reading and folding it takes, and how much memory.

python benchmarks/fold.py [RUNS]

Each figure is from a process of its own; the peak is its greatest resident size.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def measure(what: str, path: Path) -> None:
    """In a process of its own: do it, and print the seconds and the peak."""
    began = time.perf_counter()
    if what == "read and fold":
        from batchrun.ledger.reader import read_state  # noqa: PLC0415 - its import is timed too

        read_state(path)
    elif what == "check":
        from batchrun.ledger.check import check  # noqa: PLC0415

        check(path)
    else:
        from batchrun.cli.app import run  # noqa: PLC0415

        run(["status", str(path)])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {what} | {time.perf_counter() - began:.2f} | {peak_mb:.0f} |", file=sys.stderr)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.ledger.jsonl"
        write(path, runs)
        print(f"{runs:,} submitted runs, {path.stat().st_size / 1e6:.0f} MB\n\n| what | s | peak MB |\n|---|---:|---:|")
        sys.stdout.flush()
        for what in ("read and fold", "status", "check"):
            subprocess.run([sys.executable, __file__, what, str(path)], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
