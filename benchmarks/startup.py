"""How long a command takes to answer: medians of several interleaved runs, beside what cannot be avoided.

python benchmarks/startup.py [ROUNDS]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 9
COMMAND = str(Path(sys.executable).with_name("batchrun"))
MANIFEST = """\
version = 1

[run]
name = "start-{{n}}"
runtime = "tiny"
region = "aws-us-west-2"
python = "s3://acme/job.py"
args = ["{{n}}"]

[axes]
n = ["only"]
"""

CASES = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import typer'": [sys.executable, "-c", "import typer"],
    "batchrun --version": [COMMAND, "--version"],
    "batchrun --help": [COMMAND, "--help"],
    "batchrun plan (1 run)": [COMMAND, "plan", "one.toml"],
    "batchrun submit --emulator (1 run)": [COMMAND, "submit", "one.toml", "--emulator", "--yes"],
    "batchrun status": [COMMAND, "status", "one.ledger.jsonl"],
}


def seconds(words: list[str], directory: Path) -> float:
    began = time.perf_counter()
    subprocess.run(words, cwd=directory, check=True, capture_output=True)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "one.toml").write_text(MANIFEST, "utf-8")
        taken: dict[str, list[float]] = {case: [] for case in CASES}
        for _ in range(rounds):
            (directory / "one.ledger.jsonl").unlink(missing_ok=True)
            for case, words in CASES.items():
                taken[case].append(seconds(words, directory))
    figures = {case: round(1000 * median(times)) for case, times in taken.items()}
    for case, milliseconds in figures.items():
        print(f"{case:<36} {milliseconds:>6} ms")
    print(json.dumps({"startup_ms": figures, "rounds": rounds}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
