"""Turn command-line input into a plan."""

import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from batchrun.cli.ledgers import STDIN
from batchrun.cli.loading import load
from batchrun.errors import ManifestError, UsageError
from batchrun.ledger.location import LEDGER_SUFFIX, PLAN_START, PLAN_SUFFIX
from batchrun.sweep.manifest.manifest import Manifest, Overrides
from batchrun.sweep.manifest.source import MOST_BYTES, decoded
from batchrun.sweep.plan import Plan, build_plan, read_plan

if TYPE_CHECKING:
    from batchrun.engine.preflight.difference import Difference

__all__ = ["difference_to", "plan_from", "without_environment"]

PIPED_NAME = "stdin"
"""The name of a sweep that has no file."""


def plan_from(path: Path, overrides: Overrides, environ: Mapping[str, str], *, resolve: bool) -> Plan:
    """The plan of a manifest, or a plan written earlier. ``resolve`` fills in environment values.

    Raises:
        UsageError: it cannot be planned, or is not a sweep; all problems of a stage at once.

    """
    if path == STDIN:
        return build_plan(_piped_manifest(overrides, environ), environ=environ if resolve else None)
    if path.name.endswith(LEDGER_SUFFIX):
        raise UsageError(str(path), "this is a ledger, not a sweep", f"did you mean batchrun resume {path}?")
    if path.suffix != PLAN_SUFFIX:
        return build_plan(Manifest.load(path, overrides, environ=environ), environ=environ if resolve else None)
    if overrides != Overrides():
        raise UsageError(str(path), "a plan file is fixed; options cannot change it", "plan again from the manifest")
    return read_plan(path)


def _piped_manifest(overrides: Overrides, environ: Mapping[str, str]) -> Manifest:
    """The manifest on standard input; its data files are relative to the working directory."""
    place = "standard input"
    data = _piped(sys.stdin)
    if data.startswith(PLAN_START):
        fact = "this is a saved plan; it is read more than once, so it cannot be piped"
        raise UsageError(place, fact, "save it, and pass its path")
    manifest = Manifest.parse(
        decoded(data, place),
        name=PIPED_NAME,
        directory=Path(),
        overrides=overrides,
        environ=environ,
        file=f"<{PIPED_NAME}>",
    )
    if manifest.reads_stdin:
        raise UsageError(place, 'an axis reads it too: file = "-"', "save the manifest, and pass its path")
    return manifest


@cache
def _piped(stdin: TextIO) -> bytes:
    """What was piped in, which can be read once, and may be planned twice."""
    return stdin.buffer.read(MOST_BYTES + 1)


def without_environment(plan: Callable[[], Plan]) -> Plan | None:
    """A plan with ``<env.NAME>`` for its environment, when one with values cannot be had; None if more than that is wrong.

    It can be compared with a ledger, and not be sent: enough to see that nothing is left to send.
    """
    try:
        return plan()
    except ManifestError:
        return None


def difference_to(plan: Plan, ledger: Path, environ: Mapping[str, str]) -> "Difference":
    """How a plan differs from the batch in a ledger.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    state = load("batchrun.ledger.reader:read_state")(ledger)
    earlier = load("batchrun.engine.batch:earlier_keys")(state, ledger, environ)
    found: Difference = load("batchrun.engine.preflight.difference:difference")(plan, state, earlier)
    return found
