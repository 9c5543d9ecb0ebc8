"""Options that several commands share: declared once as a dataclass, expanded into each command's signature."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchrun.cli import options as o
from batchrun.cli.loading import load
from batchrun.cli.text import words_of
from batchrun.engine.preflight.existing import Existing
from batchrun.engine.settings import SubmitSettings
from batchrun.errors import UsageError
from batchrun.ledger.fold import Outcome
from batchrun.sweep.manifest.manifest import Overrides, SubmitTable

if TYPE_CHECKING:
    from batchrun.report.selection import Selection

__all__ = ["SelectionFlags", "SubmissionFlags", "SweepFlags", "expand_flags"]


RerunFailed = Annotated[
    int | None,
    typer.Option(
        "--rerun-failed",
        metavar="N",
        min=1,
        help="With --watch: rerun runs that fail or time out, up to N times each.",
    ),
]
StopAtUnits = Annotated[
    float | None,
    typer.Option(
        "--stop-at-units",
        metavar="N",
        help="Stop (resumable) before the spatial units billed, plus the most that unfinished runs may use, exceed N.",
    ),
]

PACING = (
    "rate",
    "burst",
    "read_rate",
    "concurrency",
    "max_active",
    "max_attempts",
    "settle_after",
    "give_up_after",
    "stop_at_units",
    "stop_after_failures",
)
"""The flags that become ``SubmitSettings`` and are repeated in the resume command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFlags:
    """Options of ``plan`` and ``submit`` that override the manifest."""

    set_: o.Set = None
    axis: o.Axis = None
    where: o.Where = None
    sample: o.Sample = None
    seed: o.Seed = None
    max_points: o.MaxPoints = None

    def overrides(self) -> Overrides:
        return Overrides(
            set=tuple(self.set_ or ()),
            axis=tuple(self.axis or ()),
            where=tuple(self.where or ()),
            sample=self.sample,
            seed=self.seed,
            max_points=self.max_points,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionFlags:
    """Selects runs of a batch; a run must match every option given."""

    names: o.Names = None
    status: o.StatusFilter = None
    where: o.WhereRun = None

    def selection(self) -> "Selection":
        names, where = tuple(self.names or ()), tuple(self.where or ())
        made: Selection = load("batchrun.report.selection:Selection")(
            names=names, statuses=words_of(self.status), where=where, is_exact=True
        )
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFlags:
    """Options of both ``submit`` and ``resume``, as typed; None means not given."""

    emulator: o.Emulator = False
    watch: o.Watch = False
    rerun_failed: RerunFailed = None
    dry_run: o.DryRun = False
    retry: o.Retry = None
    rate: o.Rate = None
    burst: o.Burst = None
    read_rate: o.ReadRate = None
    concurrency: o.Concurrency = None
    max_active: o.MaxActive = None
    max_attempts: o.MaxAttempts = None
    settle_after: o.SettleAfter = None
    give_up_after: o.GiveUpAfter = None
    stop_at_units: StopAtUnits = None
    stop_after_failures: o.StopAfterFailures = None
    base_url: o.BaseUrl = None
    timeout: o.Timeout = None
    to_another_server: o.ToAnotherServer = False
    adopt_existing: o.AdoptExisting = False
    not_ours: o.NotOurs = False

    @property
    def existing(self) -> Existing:
        """What to do about runs with planned names that the ledger does not know.

        Raises:
            UsageError: both were given.

        """
        if self.adopt_existing and self.not_ours:
            raise UsageError("--not-ours", "cannot be combined with --adopt-existing", "choose one of them")
        return Existing.ADOPT if self.adopt_existing else Existing.FOREIGN if self.not_ours else Existing.REFUSE

    @property
    def retried_outcomes(self) -> frozenset[Outcome]:
        """The outcomes whose runs are sent again.

        Raises:
            UsageError: an outcome that cannot be retried.

        """
        return o.retry_from(self.retry)

    @property
    def reruns(self) -> int:
        """How many times a failed run is rerun.

        Raises:
            UsageError: the runs are not followed, so nobody would notice that one failed.

        """
        if self.rerun_failed is not None and not self.watch:
            raise UsageError(
                "--rerun-failed", "failed runs are noticed only while the batch is followed", "add --watch"
            )
        return self.rerun_failed or 0

    @property
    def timeout_s(self) -> float | None:
        """The request timeout in seconds.

        Raises:
            UsageError: not a duration.

        """
        return o.seconds_from("--timeout", self.timeout)

    def settings(self, table: SubmitTable) -> SubmitSettings:
        """The manifest's settings with these flags taking precedence.

        Raises:
            UsageError: a value cannot be parsed or used.

        """
        return SubmitSettings.of(table, **o.settings_flags(self._pacing()))

    def resume_command(self, ledger: Path) -> tuple[str, ...]:
        """The command that resumes the batch with the same flags."""
        command = o.resume_command(ledger, base_url=self.base_url, timeout=self.timeout, **self._pacing())
        # Reruns need a watch; without them, whether to follow is decided anew with each session.
        return (*command, "--watch", "--rerun-failed", str(self.reruns)) if self.reruns else command

    def watch_command(self, ledger: Path) -> tuple[str, ...]:
        """The command that follows the batch's runs at the same service."""
        return ("batchrun", "watch", *o.resume_command(ledger, base_url=self.base_url)[2:])

    def _pacing(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in PACING}


def expand_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Replace each parameter of a dataclass type by that dataclass's fields, which typer then reads as options.

    Typer knows no groups of options, so it is shown a signature in which they are flat; the command itself receives the
    dataclass.
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type] = {}
    for parameter in inspect.signature(command).parameters.values():
        if is_dataclass(group := parameter.annotation) and isinstance(group, type):
            groups[parameter.name] = group
            parameters += [
                inspect.Parameter(field.name, parameter.kind, default=field.default, annotation=field.type)
                for field in fields(group)
            ]
        else:
            parameters.append(parameter)

    @wraps(command)
    def expanded(*args: Any, **values: Any) -> int:  # noqa: ANN401 - an option of any type
        grouped = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group) if field.name in values})
            for name, group in groups.items()
        }
        return command(*args, **values, **grouped)

    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it through inspect.signature
    return expanded
