"""The results of ``doctor``, one value per line, and the checks that need no network. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batchrun.engine.doctor.allowance import Allowance, Need, refusals, warnings
from batchrun.errors import Problem

__all__ = ["Check", "Level", "allowance_checks", "clock_check", "setting_checks"]

CLOCK_WARNING_S = 30.0
"""Settling copes with any offset; a clock this wrong makes reports and certificates go wrong."""
SETTINGS = (
    "WHEROBOTS_API_KEY",
    "WHEROBOTS_API_BASE_URL",
    "WHEROBOTS_API_URL",
    "WHEROBOTS_REGION",
    "WHEROBOTS_VERSION",
    "WHEROBOTS_REQUEST_TIMEOUT_SECONDS",
)


class Level(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    """Works, with a caveat."""
    PROBLEM = "problem"
    """Does not work; ``fix`` says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a checkup."""

    subject: str
    level: Level
    fact: str
    fix: str = ""

    def json(self) -> dict[str, Any]:
        return {"subject": self.subject, "level": self.level.value, "fact": self.fact, "fix": self.fix}


def setting_checks(environ: Mapping[str, str]) -> list[Check]:
    """Which settings are set and where they come from; never their values."""
    found = [name for name in SETTINGS if environ.get(name)]
    checks = [Check(subject="settings", level=Level.OK, fact=f"from the environment: {', '.join(found) or 'none'}")]
    if "WHEROBOTS_API_KEY" not in found:
        checks.append(
            Check(
                subject="API key",
                level=Level.PROBLEM,
                fact="WHEROBOTS_API_KEY is not set",
                fix="create a key in Wherobots Cloud, then: export WHEROBOTS_API_KEY=...",
            )
        )
    return checks


def clock_check(offset_s: float | None) -> Check:
    """How far this machine's clock is from the service's; ``offset_s`` is positive where the service is ahead."""
    if offset_s is None:
        fact = "the service sends no plausible Date header"
        return Check(subject="clock", level=Level.WARNING, fact=fact, fix="check this machine's clock")
    side = "behind" if offset_s > 0 else "ahead of"
    fact = f"{abs(offset_s):.0f} s {side} the service's" if abs(offset_s) >= 1 else "within a second of the service's"
    # The Date header has whole seconds, so smaller offsets than one are not worth a figure.
    if abs(offset_s) < CLOCK_WARNING_S:
        return Check(subject="clock", level=Level.OK, fact=fact)
    return Check(subject="clock", level=Level.WARNING, fact=fact, fix="synchronize it (NTP)")


def allowance_checks(need: Need | None, allowance: Allowance, unread: Collection[Problem]) -> list[Check]:
    """Compare the organization with what a sweep asks for; without a sweep, report what is known about it."""
    checks = [Check(subject="organization", level=Level.OK, fact=fact) for fact in _organization_facts(allowance)]
    for problem in unread:
        fact = f"not checked: {problem.place}: {problem.fact}"
        checks.append(
            Check(subject="organization", level=Level.WARNING, fact=fact, fix="the API key is not allowed to read it")
        )
    if need is None:
        return checks
    refused, warned = refusals(need, allowance), warnings(need, allowance)
    checks += [Check(subject=one.place, level=Level.PROBLEM, fact=one.fact, fix=one.fix) for one in refused]
    checks += [Check(subject=one.place, level=Level.WARNING, fact=one.fact, fix=one.fix) for one in warned]
    if not refused and not unread:
        fact = "the organization allows its regions, runtimes, timeouts and disks"
        checks.append(Check(subject="sweep", level=Level.OK, fact=fact))
    return checks


def _organization_facts(allowance: Allowance) -> Iterable[str]:
    organization, quotas, hints = allowance.organization, allowance.quotas, allowance.hints
    if organization is not None:
        plan = f", plan {organization.plan}" if isinstance(organization.plan, str) else ""
        features = ", ".join(organization.wherobots_cloud_features) or "none reported"
        yield f"{organization.name or organization.id}{plan}; features: {features}"
        if organization.allowed_regions:
            yield f"regions: {', '.join(organization.allowed_regions)}"
    if quotas:
        yield "quotas: " + ", ".join(f"{name} {value:g}" for name, value in sorted(quotas.items()))
    if hints is not None and hints.runtimes.hint:
        enabled = [hint.id for hint in hints.runtimes.hint if hint.enabled]
        yield f"runtimes: {', '.join(enabled)}"
