"""Rounds of chaos by the hundred: ``python -m tests.chaos.soak --rounds 200 --runs 500 --jobs 2``.

Ends with a table of figures, or at the first round in which ledger and service do not agree, with the seed that repeats it.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from math import inf
from pathlib import Path

from tests.chaos.figures import Figures, table
from tests.chaos.rounds import ChaosError, play
from tests.chaos.service import service
from tests.chaos.weaken import WEAKNESSES

Share = tuple[list[int], int, str, list[str] | None, float]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def played(share: Share) -> tuple[Figures, list[str]]:
    """Play rounds one after another with an emulator of their own."""
    seeds, runs, weakness, only, until_s = share
    total, errors = Figures(), list[str]()
    with service() as cloud:
        for seed in seeds:
            if time.time() > until_s:
                break
            try:
                with tempfile.TemporaryDirectory() as folder:
                    total.add(play(seed, cloud, Path(folder), runs=runs, weakness=weakness, only=only))
            except ChaosError as error:
                errors.append(str(error))
                say(str(error))
                if weakness:
                    return total, errors
                continue
            say(f"seed {seed}: {total.rounds} rounds, {len(errors)} with findings")
    return total, errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the others count up")
    parser.add_argument("--minutes", type=float, default=inf, help="begin no further round after this time")
    parser.add_argument("--weaken", choices=sorted(WEAKNESSES), default="")
    parser.add_argument("--only", help="neighbours that take part, with commas; by default the seed's choice")
    parser.add_argument("--transport", choices=["aiohttp", "httpx"])
    args = parser.parse_args()
    if args.transport:
        os.environ["BATCHRUN_TRANSPORT"] = args.transport
    only = None if args.only is None else [name for name in args.only.split(",") if name]
    seeds = range(args.seed, args.seed + args.rounds)
    jobs = min(args.jobs, args.rounds)
    began = time.time()
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        shares = [
            (list(seeds[job::jobs]), args.runs, args.weaken, only, began + 60 * args.minutes) for job in range(jobs)
        ]
        ended = pool.map(played, shares)
    total, found = Figures(), []
    for figures, findings in ended:
        total.add(figures)
        found += findings
    say("\n".join(table(total, time.time() - began)))
    say("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
