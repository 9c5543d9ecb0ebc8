"""Does the organization allow what a plan asks for? Pure; used by ``plan --online`` and ``doctor``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batchrun.errors import Problem
from batchrun.sweep.plan import Demand
from batchrun.wherobots.facts import Hints, OrganizationFacts

__all__ = ["Allowance", "Need", "refusals", "warnings"]

LIFETIME = "WORKLOAD_LIFETIME_HOUR"
DISK = "DISK_PER_NODE_GB"
HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a plan needs."""

    demands: tuple[Demand, ...]
    largest_disk_gb: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is known of the organization; None for what could not be read."""

    organization: OrganizationFacts | None = None
    quotas: Mapping[str, float] | None = None
    hints: Hints | None = None


def refusals(need: Need, allowance: Allowance) -> list[Problem]:
    """What the organization does not allow, one problem each.

    A timeout beyond its limit counts, although the service accepts it: the service caps it, so runs end unfinished but
    are billed in full.
    """
    found = [*_features(allowance.organization), *_regions(need, allowance), *_runtimes(need, allowance.hints)]
    lifetime = (allowance.quotas or {}).get(LIFETIME)
    longest_s = max((one.timeout_s for one in need.demands), default=0)
    if lifetime is not None and longest_s > lifetime * HOUR_S:
        fact = f"a timeout of {longest_s:,} s, but the organization ends runs after {lifetime:g} h"
        found.append(Problem("run.timeout", fact, "lower it, split the work, or ask for a larger quota"))
    disk = (allowance.quotas or {}).get(DISK)
    if disk is not None and need.largest_disk_gb is not None and need.largest_disk_gb > disk:
        fact = f"{need.largest_disk_gb:,} GB of disk, but the organization may have at most {disk:,.0f} GB per node"
        found.append(Problem("run", fact, "lower driver_disk_gb and executor_disk_gb, or ask for a larger quota"))
    return found


def warnings(need: Need, allowance: Allowance) -> list[Problem]:
    """What is allowed but may not work as usual."""
    regions = allowance.hints.regions.hint if allowance.hints is not None else []
    return [
        Problem("run.region", f"{hint.region_name} is degraded at the moment", "expect delays")
        for hint in regions
        if hint.region_name in _regions_of(need) and hint.enabled and hint.availability == "DEGRADED"
    ]


def _regions_of(need: Need) -> list[str]:
    return sorted({one.region for one in need.demands})


def _features(organization: OrganizationFacts | None) -> Iterable[Problem]:
    features = organization.wherobots_cloud_features if organization is not None else []
    # No feature at all means that the service does not say: an older one, or a key that may not see them.
    if features and "RUNS" not in features:
        plan = organization.plan if organization is not None and isinstance(organization.plan, str) else None
        edition = f" (plan {plan})" if plan else ""
        yield Problem("organization", f"it cannot create job runs{edition}", "use a plan that includes job runs")


def _regions(need: Need, allowance: Allowance) -> Iterable[Problem]:
    organization, hints = allowance.organization, allowance.hints
    allowed = organization.allowed_regions if organization is not None else []
    offered = {hint.region_name: hint for hint in hints.regions.hint} if hints is not None else {}
    for region in _regions_of(need):
        hint = offered.get(region)
        if allowed and region not in allowed:
            fix = f"use one of {', '.join(sorted(allowed))}"
            yield Problem("run.region", f"the organization may not use {region}", fix)
        # A region without a hint is not refused: only the service knows whether its list is whole.
        elif hint is not None and (not hint.enabled or hint.availability in {"UNAVAILABLE", "DISABLED"}):
            state = hint.availability.lower() if hint.enabled else "disabled"
            yield Problem("run.region", f"{region} is {state}", "use another region, or try later")


def _runtimes(need: Need, hints: Hints | None) -> Iterable[Problem]:
    offered = {hint.id: hint for hint in hints.runtimes.hint} if hints is not None else {}
    usable = ", ".join(sorted(name for name, hint in offered.items() if hint.enabled))
    for runtime in sorted({one.runtime for one in need.demands}) if offered else ():
        if runtime not in offered:
            yield Problem("run.runtime", f"{runtime} is not offered to the organization", f"use one of {usable}")
        elif not offered[runtime].enabled:
            yield Problem("run.runtime", f"{runtime} is not enabled for the organization", f"use one of {usable}")
