"""Everything about the emulator that can be set. Left alone, it is a service that never misbehaves.

The same names serve in Python, in a TOML file, and as JSON for ``PUT /_emulator/config``.
"""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from batchrun.emulator.chance import Fault
from batchrun.errors import Problem, UsageError

__all__ = ["EmulatorSettings", "Faults", "RetryAfterForm", "changed", "layered"]

RetryAfterForm = Literal["none", "seconds", "fraction", "date", "mixed", "odd"]
Limiter = Literal["bucket", "window", "sliding"]

DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024
DEFAULT_REGION = "aws-us-west-2"

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
FaultRate = Annotated[Fault, BeforeValidator(Fault.of)]
NEVER = Fault()


class Settings(BaseModel):
    """Frozen, and strict about names: a misspelt knob would otherwise do nothing in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Faults(Settings):
    """How often each thing goes wrong: a probability, or ``"0.05@100-200"`` for requests 100 to 200 only."""

    rate_limit: FaultRate = NEVER  # 429, whatever the limiter says
    redirect: FaultRate = NEVER  # 307 to nowhere, as from a wrong base URL
    forbidden: FaultRate = NEVER  # 403, the key may not do this
    conflict: FaultRate = NEVER  # 409, nothing created
    quota: FaultRate = NEVER  # INSUFFICIENT_QUOTA_ERROR, whatever the quota says
    unavailable: FaultRate = NEVER  # 503 with Retry-After and the API's own error body, nothing created
    error_before_commit: FaultRate = NEVER  # a 5xx, nothing created
    error_after_commit: FaultRate = NEVER  # a 5xx although the run was created
    reset_before_commit: FaultRate = NEVER  # the connection is reset, nothing created
    reset_after_commit: FaultRate = NEVER  # the connection is reset although the run was created
    cut_body: FaultRate = NEVER  # created; the answer ends in the middle
    garbled_body: FaultRate = NEVER  # created; the answer is no JSON
    hang_before_commit: FaultRate = NEVER  # no answer, nothing created
    hang: FaultRate = NEVER  # created, and no answer
    late_commit: FaultRate = NEVER  # no answer; created late_commit_s after the client gave up
    slow: FaultRate = NEVER  # answered slow_s late; comes on top of any other fault


class EmulatorSettings(Settings):
    """One emulated service; every knob names its unit."""

    seed: int = 0
    api_key: str | None = Field(default=None, repr=False)  # None accepts any key that is not empty
    key_expires_after_s: Seconds | None = None
    key_expires_after_requests: int | None = Field(default=None, ge=0)
    lenient: bool = False  # region and runtime may be left out
    default_region: str = DEFAULT_REGION
    default_runtime: str = "tiny"
    max_body_bytes: Count = DEFAULT_MAX_BODY_BYTES

    faults: Faults = Faults()
    faults_on: Literal["create", "all"] = "create"  # "all": reading, listing and cancelling misbehave too
    error_statuses: tuple[Literal[500, 502, 503, 504], ...] = Field(default=(500,), min_length=1, strict=False)
    slow_s: Seconds = 1.0
    hang_s: Seconds = 600.0
    late_commit_s: Seconds = 2.0
    list_lag_s: Seconds = 0.0  # how long a new run is missing from the list

    rate_limit_per_s: float | None = Field(default=None, gt=0)
    limiter: Limiter = "bucket"
    burst: Count = 1  # the bucket's size
    window_s: float = Field(default=1.0, gt=0)
    count_refused: bool = False  # refused requests use up the limit as well
    max_requests_at_once: Count | None = None
    limit_on: Literal["all", "create"] = "all"
    retry_after: RetryAfterForm = "seconds"

    capacity_runs: Count | None = None  # running at once in one region
    quota_runs: int | None = Field(default=None, ge=0)  # active at once in all regions; beyond it creating is refused
    quota_status: Literal[400, 403, 409, 429] = 403
    startup_s: Seconds = 1.0
    run_s: Seconds = 20.0
    run_spread: Share = 0.0  # 0.5: run_s ± 50 %
    failure_rate: Share = 0.0
    timeout_as_failed: bool = False  # tell a timed-out run as FAILED with an event, as the service sometimes does
    cancel_delay_s: Seconds = 0.0
    billing_delay_s: Seconds = 5.0
    log_lines: Count = 12
    speed: float = Field(default=1.0, gt=0)  # durations of runs pass this many times as fast

    list_name_match: Literal["exact", "substring"] = "exact"  # what a name without * means

    def describe(self) -> list[str]:
        """What differs from a well-behaved service, one setting a line; never the API key."""
        lines = []
        for name, value in self:
            if name == "faults":
                lines += [f"fault {fault} = {share.text()}" for fault, share in self.faults if share.probability]
            elif name != "api_key" and value != type(self).model_fields[name].default:
                lines.append(f"{name} = {value}")
        return lines or ["well behaved: every request is answered as the contract says"]


class EmulatorSettingsError(UsageError):
    """Some settings are wrong; all of them are told at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0].place, problems[0].fact, problems[0].fix)
        self.problems = problems


def layered(path: Path | None, values: dict[str, Any]) -> EmulatorSettings:
    """The settings of a TOML file, with ``values`` laid over them.

    Raises:
        UsageError: the file cannot be read, or a setting is unknown or out of bounds.

    """
    from_file = _read(path) if path is not None else EmulatorSettings()
    settings = from_file if isinstance(from_file, tuple) else changed(from_file, values)
    if isinstance(settings, tuple):
        raise EmulatorSettingsError(settings)
    return settings


def _read(path: Path) -> EmulatorSettings | tuple[Problem, ...]:
    try:
        return settings_from(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(str(path), f"cannot be read: {error}", "give a TOML file of emulator settings") from None


def settings_from(values: dict[str, Any]) -> EmulatorSettings | tuple[Problem, ...]:
    """Settings made from plain values, or everything that is wrong with them."""
    try:
        return EmulatorSettings.model_validate(values)
    except ValidationError as error:
        return tuple(_problem(tuple(map(str, one["loc"])), one["type"], one["msg"]) for one in error.errors())


def changed(settings: EmulatorSettings, values: dict[str, Any]) -> EmulatorSettings | tuple[Problem, ...]:
    """The same settings with some replaced; ``faults`` are merged one by one."""
    before = settings.model_dump()
    faults = values.get("faults", {})
    merged = {**before["faults"], **faults} if isinstance(faults, dict) else faults
    return settings_from({**before, **values, "faults": merged})


def _problem(place: tuple[str, ...], kind: str, message: str) -> Problem:
    name = ".".join(place)
    if kind == "extra_forbidden":
        known = Faults.model_fields if place[0] == "faults" else EmulatorSettings.model_fields
        close = get_close_matches(place[-1], known, 1)
        return Problem(
            name,
            "is no setting of the emulator",
            f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}",
        )
    words = message.removeprefix("Value error, ")
    return Problem(name, words[:1].lower() + words[1:])
