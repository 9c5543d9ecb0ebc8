"""Play histories: ``python -m tests.simulation --histories 10000 --jobs 2``.

A history with findings is printed as Python. Its seed plays it again (``--seed``), as does its text in a file (``--replay``);
``--trace`` shows all that happened, ``--shrink`` leaves out what it does not need. ``--mutant`` breaks a rule; ``--mutants``
breaks each in turn and shows which history notices it first.
"""

import argparse
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.simulation.workers import played

SAY_EVERY = 1_000
SHOWN = 8
"""Findings of one history that are printed."""
ENOUGH = 2_000
"""Histories within which each mutant has to be noticed."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show(line: dict[str, Any]) -> None:
    """What is wrong in one history, and the history."""
    say(f"seed {line['seed']}, trace {line['sha256'][:12]}: {len(line['findings'])} findings")
    say("\n".join(f"  {finding}" for finding in line["findings"][:SHOWN]))
    say(line["history"])


def run(args: argparse.Namespace) -> int:
    spec: dict[str, Any] = {"mutant": args.mutant, "trace": args.trace, "shrink": args.shrink}
    if args.replay:
        spec["history"] = Path(args.replay).read_text()
    began_s, cpu_s, sums = time.monotonic(), 0.0, Counter[str]()
    seeds = () if args.replay else range(args.seed, args.seed + args.histories)
    with suppress(KeyboardInterrupt):  # the sums are of interest all the same
        for line in played(spec, seeds, jobs=args.jobs):
            if "is_repeated" in line:
                sums["traces that differ when played again"] += not line["is_repeated"]
                continue
            sums += Counter({"histories": 1, "processes": line["sessions"], "runs created": line["attempts"]})
            cpu_s += line["cpu_s"]
            sums += Counter({f"excused: {why}": count for why, count in line["excused"].items()})
            if args.trace:
                say(line["trace"])
            if line["findings"]:
                sums["histories with findings"] += 1
                show(line)
            if sums["histories"] % SAY_EVERY == 0:
                say(f"{sums['histories']:,} histories, {sums['histories with findings']} with findings")
    say("\n".join(f"{name:>60} {count:>9,}" for name, count in sums.items()))
    say(f"{'a second':>60} {sums['histories'] / (time.monotonic() - began_s):>9.1f}")
    say(f"{'a second of one core':>60} {sums['histories'] / cpu_s:>9.1f}")
    return 1 if sums["histories with findings"] or sums["traces that differ when played again"] else 0


def run_mutants(args: argparse.Namespace) -> int:
    """Break each rule in turn, and show the first history that notices it."""
    from tests.simulation.mutants import MUTANTS  # noqa: PLC0415 - loads the engine

    seeds, mutants = list(range(args.seed, args.seed + ENOUGH)), args.mutants or list(MUTANTS)
    say("| rule taken out | histories | first finding |\n|---|---:|---|")
    played_with, noticed = Counter[str](), set[str]()
    for line in played({"mutants": dict.fromkeys(mutants, seeds)}):
        if "mutant" not in line or "findings" not in line:
            continue
        played_with[line["mutant"]] += 1
        if line["findings"]:
            noticed.add(line["mutant"])
            say(
                f"| `{line['mutant']}` | {played_with[line['mutant']]:,} | seed {line['seed']}: {line['findings'][0]} |"
            )
    for mutant in sorted(set(mutants) - noticed):
        say(f"| `{mutant}` | {played_with[mutant]:,} | **nothing** |")
    return 1 if set(mutants) - noticed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="of the first history; the others count up")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--replay", metavar="FILE", help="play the history in this file")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("--mutant", default="", help="break a rule of tests/simulation/mutants.py")
    parser.add_argument("--mutants", nargs="*", metavar="NAME", help="break each of these in turn, or all of them")
    args = parser.parse_args()
    return run(args) if args.mutants is None else run_mutants(args)


if __name__ == "__main__":
    raise SystemExit(main())
