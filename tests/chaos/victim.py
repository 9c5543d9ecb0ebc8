"""The command line in a process that kills itself: ``victim.py SPEC batchrun-arguments``.

SPEC is JSON. ``kill`` names a point of the ledger's writing (``write``: in the middle of one, ``sync``: between write and
sync, ``synced``: right after one), ``at`` which one, ``share`` how much of the write gets out. ``weaken`` names a law to
break. ``shift_s``, ``jump_s`` and ``jump_after_s`` make the wall clock wrong. The product has no hooks for this: the calls of the operating system are wrapped before it is loaded.
"""

import json
import os
import signal
import stat
import sys
import time
from typing import Any, NoReturn


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit  # never reached


def wrap_system_calls(spec: dict[str, Any]) -> None:
    """Die at the ``at``-th write or sync of a regular file."""
    point, at, share = spec["kill"], int(spec["at"]), float(spec.get("share", 0.5))
    write, sync = os.write, os.fdatasync
    seen = {"write": 0, "sync": 0}

    def is_the_one(kind: str, fd: int) -> bool:
        seen[kind] += stat.S_ISREG(os.fstat(fd).st_mode)
        return seen[kind] == at

    def dying_write(fd: int, data: Any, /) -> int:
        if is_the_one("write", fd) and point == "write":
            write(fd, data[: max(1, int(len(data) * share))])
            die()
        return write(fd, data)

    def dying_sync(fd: int, /) -> None:
        strikes = is_the_one("sync", fd)
        if strikes and point == "sync":
            die()
        sync(fd)
        if strikes and point == "synced":
            die()

    os.write, os.fdatasync = dying_write, dying_sync  # type: ignore[assignment]  # os.write takes any buffer


def shift_clock(spec: dict[str, Any]) -> None:
    """A wall clock that is wrong from the start, and steps once in mid-session."""
    real, began_s = time.time, time.monotonic()
    shift_s, jump_s, after_s = spec["shift_s"], spec["jump_s"], spec["jump_after_s"]

    def wrong() -> float:
        return real() + float(shift_s) + (jump_s if time.monotonic() - began_s > after_s else 0.0)

    time.time = wrong


def main() -> None:
    spec = json.loads(sys.argv[1])
    if "shift_s" in spec:
        shift_clock(spec)
    if spec.get("kill"):
        wrap_system_calls(spec)
    if spec.get("weaken"):
        from tests.chaos.weaken import weaken  # noqa: PLC0415 - the product is loaded after the wrapping

        weaken(spec["weaken"])
    from batchrun.cli.app import main as command  # noqa: PLC0415 - the same

    sys.exit(command(sys.argv[2:]))


if __name__ == "__main__":
    main()
