"""One plan made in this process, timed, as one line of JSON: ``python -m benchmarks.one_plan MANIFEST``."""

import json
import resource
import sys
import time
from pathlib import Path

from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import build_plan

if __name__ == "__main__":
    began = time.perf_counter()
    plan = build_plan(Manifest.load(Path(sys.argv[1])))
    built = time.perf_counter()
    runs = sum(1 for _ in plan)
    done = time.perf_counter()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"runs": runs, "build_s": built - began, "iterate_s": done - built, "peak_mb": peak_mb}))
