"""The emulator's settings. The defaults describe a service that never misbehaves.

The names are the same in Python, in a TOML file, and as JSON in ``PUT /_emulator/config``.
"""

import tomllib
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from batchrun.emulator.calls import CallKind
from batchrun.emulator.fault_settings import CallFaults, Faults
from batchrun.emulator.run_rules import DurationRule, DurationRules, FailRule, FailRules
from batchrun.emulator.setting_types import Count, Offset, Seconds, Settings, Share
from batchrun.errors import Problem, UsageError

__all__ = [
    "SECRETS",
    "EmulatorSettings",
    "Faults",
    "LateCommitResponse",
    "PayloadRewrite",
    "RetryAfterForm",
    "load_settings",
    "with_changes",
]

ErrorStatus = Annotated[int, Field(ge=400, le=599)]
RetryAfterForm = Literal["none", "seconds", "fraction", "date", "mixed", "odd"]
Limiter = Literal["bucket", "window", "sliding"]
ListOrder = Literal["newest", "oldest", "random"]
LateCommitResponse = Literal["none", "error", "reset", "mixed"]
CostErrorReason = Literal["upstream_error", "upstream_rate_limit", "mixed"]
PlanName = Literal["COMMUNITY", "PROFESSIONAL", "BUILDER", "ENTERPRISE"]
Availability = Literal["AVAILABLE", "DEGRADED", "UNAVAILABLE", "DISABLED"]
QuotaName = Literal["CPU", "HUMAN_USER_COUNT", "WORKLOAD_LIFETIME_HOUR", "DISK_PER_NODE_GB", "FOREIGN_CATALOG_COUNT"]
PayloadRewrite = Literal["mask_argument", "sort_lists", "uppercase_runtime", "drop_empty"]

DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024
DEFAULT_MAX_UPLOAD_BYTES = 500 * 1024 * 1024
DEFAULT_REGION = "aws-us-west-2"
DEFAULT_QUOTAS: dict[QuotaName, int] = {
    "CPU": 2000,
    "HUMAN_USER_COUNT": 50,
    "WORKLOAD_LIFETIME_HOUR": 168,
    "DISK_PER_NODE_GB": 1000,
    "FOREIGN_CATALOG_COUNT": 10,
}
DEFAULT_ORGANIZATION = "emulated-organization"

SECRETS = frozenset({"api_key", "organizations"})
"""Settings that contain API keys: shown nowhere."""
FAULT_TABLES: dict[str, type[Settings]] = {"faults": Faults, "call_faults": CallFaults}
RULES = frozenset({"fail_where", "durations"})
TABLES: dict[str, type[Settings]] = {**FAULT_TABLES, "fail_where": FailRule, "durations": DurationRule}


class EmulatorSettings(Settings):
    """One emulated service; every setting names its unit."""

    seed: int = 0
    api_key: str | None = Field(default=None, repr=False)  # None accepts any non-empty key
    organizations: dict[str, str] = Field(default={}, repr=False)  # organization ids by API key
    default_organization: str = DEFAULT_ORGANIZATION  # of keys that are not in organizations
    organization_status: Literal[200, 403, 404] = 200  # of GET /organization
    plan: PlanName = "PROFESSIONAL"
    cloud_features: tuple[str, ...] = Field(default=("RUNS",), strict=False)
    allowed_regions: tuple[str, ...] | None = Field(default=None, strict=False)  # None: the default region
    region_availability: dict[str, Availability] = Field(default={})  # of regions that are not AVAILABLE
    disabled_runtimes: tuple[str, ...] = Field(default=(), strict=False)
    quotas: dict[QuotaName, int] = Field(default=DEFAULT_QUOTAS)
    enforce_organization: bool = False  # refuse runs that plan, regions, runtimes or quotas do not allow
    key_expires_after_s: Seconds | None = None
    key_expires_after_requests: int | None = Field(default=None, ge=0)
    lenient: bool = False  # region and runtime are optional
    default_region: str = DEFAULT_REGION
    default_runtime: str = "tiny"
    max_body_bytes: Count = DEFAULT_MAX_BODY_BYTES

    faults: Faults = Faults()
    faults_on: Literal["create", "all"] = "create"  # "all": faults hit every API call
    call_faults: CallFaults = CallFaults()
    call_faults_on: tuple[CallKind, ...] = Field(default=(), strict=False)  # empty: on every call but creating
    refused_calls: dict[CallKind, ErrorStatus] = Field(default={})  # calls that are always refused, with this status
    error_statuses: tuple[Literal[500, 502, 503, 504], ...] = Field(default=(500,), min_length=1, strict=False)
    slow_s: Seconds = 1.0
    hang_s: Seconds = 600.0
    trickle_s: Seconds = 1.0
    late_commit_s: Seconds = 2.0
    late_commit_response: LateCommitResponse = "none"  # how the response is lost

    list_lag_s: Seconds = 0.0  # until a new run appears in lists; it can be fetched by id at once
    list_order: ListOrder = "newest"
    list_max_items: Count | None = None  # lists end after as many items, although total counts all
    list_name_match: Literal["exact", "substring"] = "exact"  # how a name without * is matched

    payload_rewrites: tuple[PayloadRewrite, ...] = Field(default=(), strict=False)  # in lists and lookups
    payload_rewrite_rate: Share = 1.0  # share of runs whose payload is rewritten

    clock_offset_s: Offset = 0.0  # how far the server's clock is ahead, in every timestamp
    date_offset_s: Offset = 0.0  # added to the Date header alone
    date_header: Literal["normal", "none", "odd"] = "normal"

    storage_regions: tuple[str, ...] | None = Field(default=None, strict=False)  # None: storage in every region
    upload_expires_s: Seconds = 3600.0  # how long an upload URL is valid
    max_upload_bytes: Count = DEFAULT_MAX_UPLOAD_BYTES
    check_uris: bool = False  # refuse runs whose files were not uploaded

    rate_limit_per_s: float | None = Field(default=None, gt=0)
    limiter: Limiter = "bucket"
    burst: Count = 1  # size of the bucket
    window_s: float = Field(default=1.0, gt=0)
    count_refused: bool = False  # refused requests use up the limit too
    max_requests_at_once: Count | None = None
    limit_on: Literal["all", "create"] = "all"
    retry_after: RetryAfterForm = "seconds"

    capacity_runs: Count | None = None  # concurrent runs in a region; others stay pending
    capacity_held: int = Field(default=0, ge=0)  # slots of every region that others occupy
    quota_runs: int | None = Field(default=None, ge=0)  # active runs in all regions; beyond that, creating is refused
    quota_held: int = Field(default=0, ge=0)  # runs of others that count towards quota_runs
    quota_status: Literal[400, 403, 409, 429] = 403
    startup_s: Seconds = 1.0
    run_s: Seconds = 20.0
    run_spread: Share = 0.0  # 0.5: run_s ± 50 %
    durations: DurationRules = ()  # all that match apply, in order
    failure_rate: Share = 0.0
    fail_where: FailRules = ()  # the first that hits a run decides
    timed_out_rate: Share = 0.0  # share of runs that reach their timeout, whatever it is
    odd_status_rate: Share = 0.0  # share of runs that show an unknown status for a part of their time
    relapse_rate: Share = 0.0  # share of runs that are PENDING again for a part of their time
    gone_rate: Share = 0.0  # share of runs that the service forgets
    gone_after_s: Seconds = 60.0  # how long after their creation
    timeout_as_failed: bool = False  # report a timed-out run as FAILED with an event, as the service sometimes does
    cancel_delay_s: Seconds = 0.0
    cancel_ended_status: Literal[200, 400, 404, 409] = 200  # of cancelling a run that has ended
    usd_per_unit: Decimal = Field(default=Decimal("0.75"), ge=0)  # made up: the price of a spatial unit is not public
    billing_delay_s: Seconds = 5.0  # from the end of a run until its cost is final
    cost_error_rate: Share = 0.0  # share of costs that are unavailable, each time they are asked for
    cost_error_reason: CostErrorReason = "upstream_error"
    log_lines: int = Field(default=12, ge=1, le=1_000_000)  # that a run writes while it runs
    log_cursor: Literal["lines", "bytes", "milliseconds"] = "lines"  # what the cursor of a log counts
    log_delay_s: Seconds = 0.0  # until a line can be read, also after the run has ended
    log_burst: Count = 1  # lines that share one timestamp
    log_content: Literal["spark", "hostile"] = "spark"  # hostile: escape codes, markup, formulas
    log_line_bytes: int = Field(default=0, ge=0)  # lines are filled up to this length
    speed: float = Field(default=1.0, gt=0)  # durations of runs are divided by this

    def describe(self) -> list[str]:
        """The settings that differ from the defaults, one a line, without API keys."""
        lines = []
        for name, value in self:
            if name in FAULT_TABLES:
                kind = name.removesuffix("s").replace("_", " ")
                lines += [f"{kind} {fault} = {share.text()}" for fault, share in value if share.probability]
            elif name == "organizations" and value:
                lines.append(f"organizations = {', '.join(sorted(set(value.values())))}")
            elif name in RULES:
                lines += [f"{name} = {rule.text()}" for rule in value]
            elif name not in SECRETS and value != type(self).model_fields[name].default:
                lines.append(f"{name} = {value}")
        return lines or ["no faults: every request is answered as the contract says"]


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
        raise UsageError(str(path), f"cannot be read: {error}", "pass a TOML file of emulator settings") from None


def settings_from(values: dict[str, Any]) -> EmulatorSettings | tuple[Problem, ...]:
    """Settings from plain values, or all problems in them."""
    try:
        return EmulatorSettings.model_validate(values)
    except ValidationError as error:
        return tuple(_problem(_place(one["loc"]), one["type"], one["msg"]) for one in error.errors())


def with_changes(settings: EmulatorSettings, values: dict[str, Any]) -> EmulatorSettings | tuple[Problem, ...]:
    """The same settings with some replaced, or all problems in ``values``; faults are merged one by one."""
    before = settings.model_dump()
    return settings_from(
        {**before, **values, **{name: _merged(before[name], values.get(name, {})) for name in FAULT_TABLES}}
    )


def _merged(before: dict[str, Any], changes: Any) -> Any:  # noqa: ANN401 - pydantic validates it
    return {**before, **changes} if isinstance(changes, dict) else changes


def _place(loc: tuple[int | str, ...]) -> tuple[str, ...]:
    """Where a problem is. Names inside a secret setting are secrets themselves."""
    return tuple(map(str, loc[:1] if loc[0] in SECRETS else loc))


def _problem(place: tuple[str, ...], kind: str, message: str) -> Problem:
    name = ".".join(place)
    if kind == "extra_forbidden":
        known = TABLES.get(place[0], EmulatorSettings).model_fields
        close = get_close_matches(place[-1], known, 1)
        return Problem(
            name,
            "unknown emulator setting",
            f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}",
        )
    fact = message.removeprefix("Value error, ")  # pydantic prepends it to what a validator raises
    return Problem(name, fact[:1].lower() + fact[1:])
