"""The same faulty service and two SIGKILLs for eight ways to create 300 runs: ``python -m benchmarks.reliability``.

Takes about 25 minutes; most of it is waiting. What is created is counted at the service.
"""

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.reliability.contenders import CONTENDERS, Contender
from benchmarks.reliability.match import Score, play
from benchmarks.reliability.postgres import cluster, has_postgres

RESULTS = Path(__file__).parents[1] / "results" / "reliability.json"
PACKAGES = ("aiolimiter", "aiometer", "batchrun-wherobots", "dbos", "httpx", "procrastinate", "stamina", "tenacity")
SDK = "wherobots-python-sdk"


def middle(values: Iterable[float]) -> str:
    """The median, and the range where there is one."""
    kept = sorted(values)
    if not kept:
        return "?"
    median, low, high = f"{statistics.median(kept):.0f}", f"{kept[0]:.0f}", f"{kept[-1]:.0f}"
    return median if low == high else f"{median} ({low} to {high})"


def table(scores: list[Score], runs: int) -> Iterator[str]:
    """A Markdown table with the medians over the seeds."""
    yield f"| of {runs} planned runs | created | created twice | missing | reported | seconds |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name in dict.fromkeys(score.contender for score in scores):
        mine = [score for score in scores if score.contender == name]
        claims = (score.claimed for score in mine if score.claimed is not None)
        cells = [
            middle(score.created for score in mine),
            middle(score.twice for score in mine),
            middle(score.missing for score in mine),
            middle(claims),
            middle(score.seconds for score in mine),
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def versions() -> dict[str, str]:
    """Of everything that takes part and is installed."""
    found = {}
    for name in (*PACKAGES, SDK):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for program in ("curl", "parallel", "psql"):
        if shutil.which(program):
            answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
            found[program] = answer.stdout.splitlines()[0]
    return found


def chosen(only: list[str]) -> list[Contender]:
    """Those asked for, or all that can run here."""
    able = []
    for contender in CONTENDERS:
        missing = contender.missing() + (["PostgreSQL"] if contender.database and not has_postgres() else [])
        if only and contender.name not in only:
            continue
        if missing:
            print(f"{contender.name}: left out, not installed: {', '.join(missing)}", file=sys.stderr)
            continue
        able.append(contender)
    return able


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="+", default=[], help="names of contenders")
    parser.add_argument("--results", type=Path, help=f"write the figures as JSON, for example to {RESULTS.name}")
    args = parser.parse_args()
    contenders, scores = chosen(args.only), list[Score]()
    with cluster() if any(one.database for one in contenders) else nullcontext() as socket:
        for contender in contenders:
            for seed in args.seeds:
                scores.append(play(contender, seed, args.runs, socket))
                print(scores[-1].json(), file=sys.stderr, flush=True)
    print("\n".join(table(scores, args.runs)))
    if args.results:
        document = {
            "python": platform.python_version(),
            "versions": versions(),
            "runs": args.runs,
            "seeds": args.seeds,
            "scores": [score.json() for score in scores],
        }
        args.results.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
