"""Several processes that play histories, and what they say, as it comes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from threading import Thread
from typing import Any

__all__ = ["played"]

Line = dict[str, Any]


def played(spec: Line, seeds: Sequence[int] = (), *, jobs: int = 1) -> Iterator[Line]:
    """What became of each history, as it ends. ``spec`` is that of ``tests.simulation.worker``."""
    specs = [spec | {"seeds": list(seeds[job::jobs])} for job in range(jobs)] if seeds else [spec]
    said: SimpleQueue[Line | None] = SimpleQueue()
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(one)) for one in specs]
        for worker in workers:
            Thread(target=_listen, args=(worker, said), daemon=True).start()
        left = len(workers)
        while left:
            if (line := said.get()) is None:
                left -= 1
            else:
                yield line
        if failed := [worker.args for worker in workers if worker.wait() != 0]:
            raise RuntimeError(f"{len(failed)} workers failed")


def _worker(spec: Line) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "ignore", "-m", "tests.simulation.worker"]
    environ = {**os.environ, "PYTHONHASHSEED": "0"}  # hashes of text must be those of every other process
    worker = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert worker.stdin is not None
    json.dump(spec, worker.stdin)
    worker.stdin.close()
    return worker


def _listen(worker: "subprocess.Popen[str]", said: "SimpleQueue[Line | None]") -> None:
    assert worker.stdout is not None
    for line in worker.stdout:
        said.put(json.loads(line))
    said.put(None)
