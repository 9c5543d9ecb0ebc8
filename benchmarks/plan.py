"""How fast a manifest becomes a plan, and in how much memory: three axes and a CSV axis.

python benchmarks/plan.py [ROWS] [ROUNDS]

The product has 100 points for each row of the CSV; 10,000 rows make 1,000,000. Each round is a process of its own, so that its peak
memory is its own; the figures are medians. ``build`` is the one checking pass that ``batchrun plan`` waits for,
``iterate`` makes every run once more, as submitting does.
"""

import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from batchrun.sweep.manifest import Manifest
from batchrun.sweep.plan import build_plan

ROWS, ROUNDS = 10_000, 3
CHILD = "--one-round"
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
    """The manifest, with a CSV of so many rows beside it."""
    with (directory / "tiles.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tile_id", "lon", "lat", "zone"])
        writer.writerows([f"{n:06d}", f"{n % 360 - 180}.2500", f"{n % 180 - 90}.50", n % 60 + 1] for n in range(rows))
    path = directory / "bench.toml"
    path.write_text(MANIFEST, "utf-8")
    return path


def one_round(path: Path) -> dict[str, float]:
    began = time.perf_counter()
    plan = build_plan(Manifest.load(path))
    built = time.perf_counter()
    runs = sum(1 for _ in plan)
    done = time.perf_counter()
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"runs": runs, "build_s": built - began, "iterate_s": done - built, "peak_mb": peak_kb / 1024}


def main(rows: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = write_case(Path(name), rows)
        words = [sys.executable, __file__, CHILD, str(path)]
        found = [json.loads(subprocess.run(words, check=True, capture_output=True).stdout) for _ in range(rounds)]
    figures = {key: round(median(one[key] for one in found), 2) for key in found[0]}
    for stage in ("build", "iterate"):
        figures[f"{stage}_points_per_s"] = round(figures["runs"] / figures[f"{stage}_s"])
        print(f"{stage:<8} {figures[f'{stage}_s']:>8} s  {figures[f'{stage}_points_per_s']:>9,} points/s")
    print(f"peak     {figures['peak_mb']:>8} MB")
    print(json.dumps({"plan": figures, "rounds": rounds}))


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        print(json.dumps(one_round(Path(sys.argv[2]))))
    else:
        numbers = [int(word) for word in sys.argv[1:]]
        main(*(numbers + [ROWS, ROUNDS][len(numbers) :]))
