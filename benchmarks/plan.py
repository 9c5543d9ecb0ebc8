"""How fast a manifest becomes a plan, and in how much memory: three axes and a CSV axis.

python -m benchmarks.plan [ROWS] [ROUNDS]

The product has 100 points for each row of the CSV; 10,000 rows make 1,000,000. Each round is a process of its own, so that
its peak memory is its own; the figures are medians.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.rows import Row, print_rows

__all__ = ["plan_rows"]

ROWS, ROUNDS = 10_000, 3
MANIFEST = """\
version = 1

[run]
name    = "tile-{{tile.tile_id}}-{{month:%Y%m}}-{{res}}-{{algo}}"
runtime = "small"
region  = "aws-us-west-2"
timeout = "30m"
python  = "s3://acme/jobs/tile.py"
args    = ["--point", "POINT({{tile.lon}} {{tile.lat}})", "--epsg", "326{{tile.zone:02d}}",
           "--start", "{{month}}", "--end", "{{month.next}}", "--res", "{{res}}",
           "--out", "s3://acme/out/{{tile.tile_id}}/{{month:%Y/%m}}/{{algo}}"]

[run.spark]
spark.sql.shuffle.partitions = 200

[axes]
month = { from = 2023-01-01, to = 2023-05-01, step = "1 month" }
res   = [10, 20, 30, 60, 100]
algo  = ["ndvi", "evi", "savi", "ndwi"]

[axes.tile]
file  = "tiles.csv"
types = { lon = "float", lat = "float", zone = "int" }

[submit]
max_points = 100_000_000
"""


def write_case(directory: Path, rows: int) -> Path:
    """The manifest, with a CSV of this many rows beside it."""
    with (directory / "tiles.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tile_id", "lon", "lat", "zone"])
        writer.writerows([f"{n:06d}", f"{n % 360 - 180}.2500", f"{n % 180 - 90}.50", n % 60 + 1] for n in range(rows))
    path = directory / "bench.toml"
    path.write_text(MANIFEST, "utf-8")
    return path


def plan_rows(rows: int, rounds: int) -> list[Row]:
    """``build`` is the one checking pass that ``batchrun plan`` waits for, ``again`` makes every run once more."""
    with tempfile.TemporaryDirectory() as name:
        path = write_case(Path(name), rows)
        words = [sys.executable, "-m", "benchmarks.one_plan", str(path)]
        found = [json.loads(subprocess.run(words, check=True, capture_output=True).stdout) for _ in range(rounds)]
    figures = {key: median(one[key] for one in found) for key in found[0]}
    group, runs, peak = "Planning", round(figures["runs"]), figures["peak_mb"]
    return [
        Row(group=group, name="build the plan", count=runs, seconds=figures["build_s"], peak_mb=peak),
        Row(group=group, name="make every run again", count=runs, seconds=figures["iterate_s"], peak_mb=peak),
    ]


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    print_rows(plan_rows(*(numbers + [ROWS, ROUNDS][len(numbers) :])))
