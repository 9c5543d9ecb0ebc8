"""Print the tables of the pacing benchmark: ``python -m benchmarks.pacing --help``."""

import argparse
import time
from collections.abc import Callable

from benchmarks.pacing import cold, hard_starts, killed, nginx, real, virtual
from benchmarks.pacing.ablation import ablate
from benchmarks.pacing.sensitivity import vary
from benchmarks.pacing.start_sensitivity import vary_starts

VIRTUAL: dict[str, Callable[[], None]] = {
    "hidden": virtual.hidden,
    "untuned": virtual.untuned,
    "learned": virtual.learned,
    "changes": virtual.changes,
    "peers": virtual.peers,
    "cold": cold.cold,
    "queue": cold.queue,
    "starts": hard_starts.starts,
    "pauses": hard_starts.pauses,
    "slow": hard_starts.slow,
    "low": hard_starts.low,
}
REAL: dict[str, Callable[[], None]] = {
    "fixed": real.fixed,
    "emulator": real.over_sockets,
    "outage": real.outage,
    "killed": killed.killed,
    "nginx": nginx.behind_nginx,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacing", description=__doc__)
    parser.add_argument(
        "tables",
        nargs="*",
        metavar="table",
        help=f"on the virtual clock (default: all of them): {', '.join(VIRTUAL)}; over real sockets: {', '.join(REAL)}",
    )
    parser.add_argument("--ablate", action="store_true", help="the search without its parts, and AIMD: a minute")
    parser.add_argument(
        "--vary", nargs="*", metavar="number", help="half and twice of each tuned number, or of those named: 30 minutes"
    )
    parser.add_argument(
        "--vary-starts",
        action="store_true",
        help="half and twice of each number of a start, in short batches: a minute",
    )
    options = parser.parse_args()
    if unknown := [name for name in options.tables if name not in VIRTUAL | REAL]:
        parser.error(f"unknown table: {', '.join(unknown)}")
    if options.ablate:
        _timed("ablation", ablate)
    elif options.vary_starts:
        _timed("sensitivity of starts", vary_starts)
    elif options.vary is not None:
        _timed("sensitivity", lambda: vary(options.vary))
    else:
        for name in options.tables or VIRTUAL:
            _timed(name, (VIRTUAL | REAL)[name])


def _timed(name: str, table: Callable[[], None]) -> None:
    began = time.perf_counter()
    table()
    print(f"\n({name}: {time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
