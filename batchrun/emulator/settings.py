"""The emulator's settings. The defaults describe a service that never misbehaves.

The names are the same in Python, in a TOML file, and as JSON in ``PUT /_emulator/config``.
"""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from batchrun.emulator.schedule import FaultSchedule
from batchrun.errors import Problem, UsageError

__all__ = ["EmulatorSettings", "Faults", "RetryAfterForm", "load_settings", "with_changes"]

RetryAfterForm = Literal["none", "seconds", "fraction", "date", "mixed", "odd"]
Limiter = Literal["bucket", "window", "sliding"]

DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024
DEFAULT_REGION = "aws-us-west-2"

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
FaultField = Annotated[FaultSchedule, BeforeValidator(FaultSchedule.parse)]
NEVER = FaultSchedule()


class Settings(BaseModel):
    """Frozen, and strict about names: a misspelt setting would otherwise be ignored silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Faults(Settings):
    """How often each fault occurs: a probability, or ``"0.05@100-200"`` for requests 100 to 200 only."""

    rate_limit: FaultField = NEVER  # 429, whatever the limiter says
    redirect: FaultField = NEVER  # 307, as from a wrong base URL
    forbidden: FaultField = NEVER  # 403, the key may not do this
    conflict: FaultField = NEVER  # 409, nothing created
    quota: FaultField = NEVER  # INSUFFICIENT_QUOTA_ERROR, whatever the quota says
    unavailable: FaultField = NEVER  # 503 with Retry-After and the API's own error body, nothing created
    error_before_commit: FaultField = NEVER  # a 5xx, nothing created
    error_after_commit: FaultField = NEVER  # a 5xx although the run was created
    reset_before_commit: FaultField = NEVER  # the connection is reset, nothing created
    reset_after_commit: FaultField = NEVER  # the connection is reset although the run was created
    cut_body: FaultField = NEVER  # created; the response ends in the middle
    garbled_body: FaultField = NEVER  # created; the response is not JSON
    hang_before_commit: FaultField = NEVER  # no response, nothing created
    hang: FaultField = NEVER  # created; no response
    late_commit: FaultField = NEVER  # no response; created late_commit_s after the client gave up
    slow: FaultField = NEVER  # the response is slow_s late; combines with any other fault


class EmulatorSettings(Settings):
    """One emulated service; every setting names its unit."""

    seed: int = 0
    api_key: str | None = Field(default=None, repr=False)  # None accepts any non-empty key
    key_expires_after_s: Seconds | None = None
    key_expires_after_requests: int | None = Field(default=None, ge=0)
    lenient: bool = False  # region and runtime are optional
    default_region: str = DEFAULT_REGION
    default_runtime: str = "tiny"
    max_body_bytes: Count = DEFAULT_MAX_BODY_BYTES

    faults: Faults = Faults()
    faults_on: Literal["create", "all"] = "create"  # "all": faults hit every API call
    error_statuses: tuple[Literal[500, 502, 503, 504], ...] = Field(default=(500,), min_length=1, strict=False)
    slow_s: Seconds = 1.0
    hang_s: Seconds = 600.0
    late_commit_s: Seconds = 2.0
    list_lag_s: Seconds = 0.0  # how long a new run is missing from the list

    rate_limit_per_s: float | None = Field(default=None, gt=0)
    limiter: Limiter = "bucket"
    burst: Count = 1  # size of the bucket
    window_s: float = Field(default=1.0, gt=0)
    count_refused: bool = False  # refused requests use up the limit too
    max_requests_at_once: Count | None = None
    limit_on: Literal["all", "create"] = "all"
    retry_after: RetryAfterForm = "seconds"

    capacity_runs: Count | None = None  # concurrent runs in a region; others stay pending
    quota_runs: int | None = Field(default=None, ge=0)  # active runs in all regions; beyond that, creating is refused
    quota_status: Literal[400, 403, 409, 429] = 403
    startup_s: Seconds = 1.0
    run_s: Seconds = 20.0
    run_spread: Share = 0.0  # 0.5: run_s ± 50 %
    failure_rate: Share = 0.0
    timeout_as_failed: bool = False  # report a timed-out run as FAILED with an event, as the service sometimes does
    cancel_delay_s: Seconds = 0.0
    billing_delay_s: Seconds = 5.0
    log_lines: Count = 12
    speed: float = Field(default=1.0, gt=0)  # durations of runs are divided by this

    list_name_match: Literal["exact", "substring"] = "exact"  # what a name without * means

    def describe(self) -> list[str]:
        """The settings that differ from the defaults, one a line, without the API key."""
        lines = []
        for name, value in self:
            if name == "faults":
                lines += [f"fault {fault} = {share.text()}" for fault, share in self.faults if share.probability]
            elif name != "api_key" and value != type(self).model_fields[name].default:
                lines.append(f"{name} = {value}")
        return lines or ["no misbehaviour: every request is answered as the contract says"]


class EmulatorSettingsError(UsageError):
    """Some settings are invalid; ``problems`` lists all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0].place, problems[0].fact, problems[0].fix)
        self.problems = problems


def load_settings(path: Path | None, values: dict[str, Any]) -> EmulatorSettings:
    """The settings in a TOML file, overridden by ``values``.

    Raises:
        UsageError: the file cannot be read, or a setting is unknown or invalid.

    """
    from_file = _read(path) if path is not None else EmulatorSettings()
    settings = from_file if isinstance(from_file, tuple) else with_changes(from_file, values)
    if isinstance(settings, tuple):
        raise EmulatorSettingsError(settings)
    return settings


def _read(path: Path) -> EmulatorSettings | tuple[Problem, ...]:
    try:
        return settings_from(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(str(path), f"cannot be read: {error}", "give a TOML file of emulator settings") from None


def settings_from(values: dict[str, Any]) -> EmulatorSettings | tuple[Problem, ...]:
    """Settings from plain values, or all problems in them."""
    try:
        return EmulatorSettings.model_validate(values)
    except ValidationError as error:
        return tuple(_problem(tuple(map(str, one["loc"])), one["type"], one["msg"]) for one in error.errors())


def with_changes(settings: EmulatorSettings, values: dict[str, Any]) -> EmulatorSettings | tuple[Problem, ...]:
    """The same settings with some replaced, or all problems in ``values``; ``faults`` are merged one by one."""
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
            "unknown setting of the emulator",
            f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}",
        )
    fact = message.removeprefix("Value error, ")  # pydantic prepends it to what a validator raises
    return Problem(name, fact[:1].lower() + fact[1:])
