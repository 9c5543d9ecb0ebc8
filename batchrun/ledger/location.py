"""Where a sweep's ledger is, which suffixes it uses, and how it names the emulator."""

from pathlib import Path

__all__ = [
    "EMULATOR",
    "EMULATOR_SUFFIX",
    "LEDGER_SUFFIX",
    "MANIFEST_SUFFIX",
    "PLAN_START",
    "PLAN_SUFFIX",
    "default_ledger",
]

MANIFEST_SUFFIX = ".toml"
PLAN_SUFFIX = ".jsonl"
PLAN_START = b'{"batchrun_plan"'
"""A plan file and a ledger that was named freely may share a suffix; the first bytes tell them apart."""
LEDGER_SUFFIX = ".ledger.jsonl"
EMULATOR_SUFFIX = ".emulator" + LEDGER_SUFFIX
"""The emulator's runs are not the service's: they have a ledger of their own, so that neither is taken for the other."""
EMULATOR = "emulator"
"""The name of the in-process emulator in ledgers, which cannot use its URL: the port differs on each start."""


def default_ledger(sweep: Path, *, emulator: bool = False) -> Path:
    """Where the ledger of a sweep is: beside it, under its name. A path without a name, such as ``.``, gets one too."""
    stem = sweep.name.removesuffix(sweep.suffix)
    return sweep.parent / (stem + (EMULATOR_SUFFIX if emulator else LEDGER_SUFFIX))
