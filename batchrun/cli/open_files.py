"""How many files and connections this process may have open at once."""

import resource

from batchrun.errors import UsageError

__all__ = ["allow_open_files"]

WANTED = 1024
"""What Linux allows by default; macOS allows 256. Enough for hundreds of connections."""
LEAST = 64
"""An event loop, a ledger, its lock and a dozen connections; with fewer, whatever is opened next fails somewhere inside."""


def allow_open_files() -> None:
    """Raise this process's own limit where the system allows it.

    Raises:
        UsageError: there are too few to work with.

    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= WANTED:
        return
    allowed = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < LEAST:
        fact = f"the limit of open files is {allowed}, which is too low"
        raise UsageError("ulimit -n", fact, f"raise it: ulimit -n {WANTED}")
