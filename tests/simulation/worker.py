"""Plays histories in a process of its own, which is made deterministic before batchrun is loaded. One JSON line a history.

``python -m tests.simulation.worker`` reads JSON: ``seeds``, or the ``history`` as Python; whether to ``stop`` at
the first finding, to show the ``trace``, and to ``shrink`` what has findings. ``mutant`` names a rule to break; ``mutants``
holds the seeds for each of several, which are played in a fork each.
"""

import gc
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.simulation import clock, determinism, disk

EVERY = 10
"""Histories between two collections of garbage: more of them would fill the caches, and fewer cost more pauses."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word; the caller shows the sums so far
    spec: dict[str, Any] = json.load(sys.stdin)
    clock.install()
    disk.install()
    determinism.install()
    if "mutants" in spec:
        _say(next(_lines({"seeds": [0]})))  # loads everything
        for mutant, seeds in spec["mutants"].items():
            _in_fork({"mutant": mutant, "seeds": seeds, "stop": True})
        return
    for line in _lines(spec):
        _say(line)


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _in_fork(spec: dict[str, Any]) -> None:
    """A rule that was broken stays broken, so it is broken in another process."""
    if (child := os.fork()) == 0:
        for line in _lines(spec):
            _say(line | {"mutant": spec["mutant"]})
        os._exit(0)
    os.waitpid(child, 0)


def _lines(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    first, began_s = None, time.process_time()  # that of the first one includes loading everything
    for played in _play(spec):
        line = {
            "seed": played.history.seed,
            "sha256": played.sha256 if first is None or played.findings or spec.get("trace") else "",
            "sessions": played.sessions,
            "attempts": played.attempts,
            "excused": played.excused,
            "findings": played.findings,
            "cpu_s": time.process_time() - began_s,
        }
        began_s = time.process_time()
        if spec.get("trace"):
            line["trace"] = played.trace
        if played.findings:
            line["history"] = played.history.describe()
        yield line
        first = first or played
    if first is not None and len(spec.get("seeds", ())) > 1 and not spec.get("shrink"):
        (again,) = _play(spec | {"seeds": [first.history.seed]})
        yield {"seed": first.history.seed, "is_repeated": again.sha256 == first.sha256}


def _play(spec: dict[str, Any]) -> Iterator[Any]:
    # Loaded only now: batchrun keeps clock and calls of the operating system in places.
    from tests.simulation import events, knobs  # noqa: PLC0415 - as the comment says
    from tests.simulation.draw import drawn  # noqa: PLC0415 - as the comment says
    from tests.simulation.mutants import break_rule  # noqa: PLC0415 - as the comment says
    from tests.simulation.play import play  # noqa: PLC0415 - as the comment says
    from tests.simulation.shrink import shrunk  # noqa: PLC0415 - as the comment says

    knobs.install()
    break_rule(spec.get("mutant", ""))
    _calm_the_collector()
    histories = [events.parsed(spec["history"])] if "history" in spec else map(drawn, spec["seeds"])
    for number, history in enumerate(histories, 1):
        with tempfile.TemporaryDirectory(dir=_memory()) as folder:
            played = play(history, Path(folder))
            if played.findings and spec.get("shrink"):
                played = shrunk(played, Path(folder))
        yield played
        if played.findings and spec.get("stop"):
            return
        if number % EVERY == 0:
            gc.collect(0 if number % (10 * EVERY) else 2)  # hardly anything survives the first


def _memory() -> str | None:
    """A folder in memory, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _calm_the_collector() -> None:
    sys.unraisablehook = lambda _: None  # the dying words of coroutines that were killed
    gc.collect()
    gc.freeze()
    gc.disable()


if __name__ == "__main__":
    main()
