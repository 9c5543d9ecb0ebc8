"""batchrun: submit thousands of Wherobots job runs, each created exactly once.

The names below are the public API; each is imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchrun.engine.follow import follow as follow
    from batchrun.engine.listing.held import HeldRun as HeldRun
    from batchrun.engine.progress import Observer as Observer
    from batchrun.engine.progress import Progress as Progress
    from batchrun.engine.reconciling.decisions import Choice as Choice
    from batchrun.engine.reconciling.decisions import Decision as Decision
    from batchrun.engine.reconciling.mismatches import Mismatch as Mismatch
    from batchrun.engine.reconciling.mismatches import MismatchKind as MismatchKind
    from batchrun.engine.reconciling.recover import Recovery as Recovery
    from batchrun.engine.reconciling.recover import recover as recover
    from batchrun.engine.reconciling.resolve import find_held as find_held
    from batchrun.engine.reconciling.resolve import find_undecided as find_undecided
    from batchrun.engine.reconciling.resolve import resolve as resolve
    from batchrun.engine.reconciling.undecided import UndecidedRun as UndecidedRun
    from batchrun.engine.reconciling.verify import Verification as Verification
    from batchrun.engine.reconciling.verify import verify as verify
    from batchrun.engine.settings import SubmitSettings as SubmitSettings
    from batchrun.engine.stopping import Stop as Stop
    from batchrun.engine.stopping import StopReason as StopReason
    from batchrun.engine.stopping import StopSwitch as StopSwitch
    from batchrun.engine.submit import Submission as Submission
    from batchrun.engine.submit import submit as submit
    from batchrun.errors import ApiError as ApiError
    from batchrun.errors import BatchrunError as BatchrunError
    from batchrun.errors import BatchStoppedError as BatchStoppedError
    from batchrun.errors import LedgerError as LedgerError
    from batchrun.errors import ManifestError as ManifestError
    from batchrun.errors import Problem as Problem
    from batchrun.errors import SettingsError as SettingsError
    from batchrun.errors import UsageError as UsageError
    from batchrun.ledger.file import FileLedger as FileLedger
    from batchrun.ledger.fold import BatchState as BatchState
    from batchrun.ledger.fold import Outcome as Outcome
    from batchrun.ledger.reader import read_state as read_state
    from batchrun.report.batch import Batch as Batch
    from batchrun.report.cost_totals import CostTotals as CostTotals
    from batchrun.report.html.inline import show as show
    from batchrun.report.rows import RunRow as RunRow
    from batchrun.report.summary import Summary as Summary
    from batchrun.report.summary import read_summary as read_summary
    from batchrun.running import arun as arun
    from batchrun.running import run as run
    from batchrun.steering.cancel import cancel as cancel
    from batchrun.steering.fetch_costs import fetch_costs as fetch_costs
    from batchrun.steering.read_logs import read_logs as read_logs
    from batchrun.steering.rerun import rerun as rerun
    from batchrun.sweep.manifest.manifest import Manifest as Manifest
    from batchrun.sweep.manifest.manifest import Overrides as Overrides
    from batchrun.sweep.plan import Plan as Plan
    from batchrun.sweep.plan import PlannedRun as PlannedRun
    from batchrun.sweep.plan import build_plan as build_plan
    from batchrun.sweep.plan import read_plan as read_plan
    from batchrun.sweep.plan import write_plan as write_plan
    from batchrun.tracking.cancel import Cancellation as Cancellation
    from batchrun.tracking.changes import Change as Change
    from batchrun.tracking.log_cursor import LogLine as LogLine
    from batchrun.wherobots.client import RunsClient as RunsClient
    from batchrun.wherobots.settings import ApiSettings as ApiSettings
    from batchrun.wherobots.transports import open_transport as open_transport

_HOMES = {
    "batchrun.engine.reconciling.decisions": ("Choice", "Decision"),
    "batchrun.engine.listing.held": ("HeldRun",),
    "batchrun.engine.reconciling.mismatches": ("Mismatch", "MismatchKind"),
    "batchrun.engine.progress": ("Observer", "Progress"),
    "batchrun.engine.reconciling.recover": ("Recovery", "recover"),
    "batchrun.engine.reconciling.resolve": ("find_held", "find_undecided", "resolve"),
    "batchrun.engine.settings": ("SubmitSettings",),
    "batchrun.engine.stopping": ("Stop", "StopReason", "StopSwitch"),
    "batchrun.engine.submit": ("Submission", "submit"),
    "batchrun.engine.reconciling.undecided": ("UndecidedRun",),
    "batchrun.engine.reconciling.verify": ("Verification", "verify"),
    "batchrun.errors": (
        "ApiError",
        "BatchStoppedError",
        "BatchrunError",
        "LedgerError",
        "ManifestError",
        "Problem",
        "SettingsError",
        "UsageError",
    ),
    "batchrun.ledger.file": ("FileLedger",),
    "batchrun.ledger.fold": ("BatchState", "Outcome"),
    "batchrun.ledger.reader": ("read_state",),
    "batchrun.report.html.inline": ("show",),
    "batchrun.report.summary": ("Summary", "read_summary"),
    "batchrun.sweep.manifest.manifest": ("Manifest", "Overrides"),
    "batchrun.sweep.plan": ("Plan", "PlannedRun", "build_plan", "read_plan", "write_plan"),
    "batchrun.wherobots.client": ("RunsClient",),
    "batchrun.wherobots.settings": ("ApiSettings",),
    "batchrun.wherobots.transports": ("open_transport",),
    "batchrun.running": (
        "arun",
        "run",
    ),
    "batchrun.engine.follow": ("follow",),
    "batchrun.report.batch": ("Batch",),
    "batchrun.report.rows": ("RunRow",),
    "batchrun.steering.cancel": ("cancel",),
    "batchrun.steering.fetch_costs": ("fetch_costs",),
    "batchrun.steering.read_logs": ("read_logs",),
    "batchrun.steering.rerun": ("rerun",),
    "batchrun.tracking.cancel": ("Cancellation",),
    "batchrun.report.cost_totals": ("CostTotals",),
    "batchrun.tracking.log_cursor": ("LogLine",),
    "batchrun.tracking.changes": ("Change",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ApiError",
    "ApiSettings",
    "Batch",
    "BatchState",
    "BatchStoppedError",
    "BatchrunError",
    "Cancellation",
    "Change",
    "Choice",
    "CostTotals",
    "Decision",
    "FileLedger",
    "HeldRun",
    "LedgerError",
    "LogLine",
    "Manifest",
    "ManifestError",
    "Mismatch",
    "MismatchKind",
    "Observer",
    "Outcome",
    "Overrides",
    "Plan",
    "PlannedRun",
    "Problem",
    "Progress",
    "Recovery",
    "RunRow",
    "RunsClient",
    "SettingsError",
    "Stop",
    "StopReason",
    "StopSwitch",
    "Submission",
    "SubmitSettings",
    "Summary",
    "UndecidedRun",
    "UsageError",
    "Verification",
    "arun",
    "build_plan",
    "cancel",
    "fetch_costs",
    "find_held",
    "find_undecided",
    "follow",
    "open_transport",
    "read_logs",
    "read_plan",
    "read_state",
    "read_summary",
    "recover",
    "rerun",
    "resolve",
    "run",
    "show",
    "submit",
    "verify",
    "write_plan",
]


if not TYPE_CHECKING:  # a type checker that saw it would take any misspelt name for something of any type

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module 'batchrun' has no attribute {name!r}")
        value = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
