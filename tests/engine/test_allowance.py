"""What the organization allows, against what a plan asks for."""

import msgspec
import pytest

from batchrun.engine.doctor.allowance import Allowance, Need, refusals, warnings
from batchrun.engine.doctor.checkup import Level, allowance_checks, clock_check, setting_checks
from batchrun.errors import Problem
from batchrun.sweep.plan import Demand
from batchrun.wherobots.facts import Hints, OrganizationFacts

ORGANIZATION = {
    "id": "o",
    "name": "acme",
    "plan": "PRO",
    "allowedRegions": ["eu", "us"],
    "wherobotsCloudFeatures": ["RUNS"],
}
HINTS = {
    "runtimes": {
        "hint": [
            {"id": "tiny", "minimumSpatialUnitsPerHour": 1, "maximumSpatialUnitsPerHour": 5},
            {"id": "large", "enabled": False},
        ]
    },
    "regions": {
        "hint": [
            {"regionName": "us", "enabled": True, "availability": "DEGRADED"},
            {"regionName": "eu", "enabled": True, "availability": "UNAVAILABLE"},
        ]
    },
}


def allowance(quotas: dict[str, float] | None = None, **organization: object) -> Allowance:
    return Allowance(
        organization=msgspec.convert({**ORGANIZATION, **organization}, OrganizationFacts),
        quotas=quotas,
        hints=msgspec.convert(HINTS, Hints),
    )


def need(region: str = "us", runtime: str = "tiny", timeout_s: int = 3600, disk: int | None = None) -> Need:
    return Need(demands=(Demand(region, runtime, timeout_s, 10),), largest_disk_gb=disk)


def facts(problems: list[Problem]) -> list[str]:
    return [problem.text() for problem in problems]


def test_what_is_allowed_is_not_refused() -> None:
    assert refusals(need(), allowance({"DISK_PER_NODE_GB": 100, "WORKLOAD_LIFETIME_HOUR": 24})) == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (need(region="mars"), "run.region: the organization may not use mars; use one of eu, us"),
        (need(region="eu"), "run.region: eu is unavailable; use another region, or try later"),
        (need(runtime="large"), "run.runtime: large is not enabled for the organization; use one of tiny"),
        (need(runtime="huge"), "run.runtime: huge is not offered to the organization; use one of tiny"),
        (
            need(disk=500),
            (
                "run: 500 GB of disk, but the organization may have at most 100 GB per node; "
                "lower driver_disk_gb and executor_disk_gb, or ask for a larger quota"
            ),
        ),
    ],
)
def test_each_thing_that_is_not_allowed_is_refused_with_a_way_out(asked: Need, message: str) -> None:
    assert facts(refusals(asked, allowance({"DISK_PER_NODE_GB": 100}))) == [message]


def test_an_edition_without_job_runs_is_refused() -> None:
    found = facts(refusals(need(), allowance(wherobotsCloudFeatures=["NOTEBOOKS"], plan="COMMUNITY")))
    assert found == ["organization: it cannot create job runs (plan COMMUNITY); use a plan that includes job runs"]


def test_what_is_not_known_refuses_nothing() -> None:
    assert refusals(need("mars", "huge", disk=9999), Allowance()) == []
    assert refusals(need("mars", "huge"), allowance(allowedRegions=[])) == [
        Problem("run.runtime", "huge is not offered to the organization", "use one of tiny")
    ]


def test_a_timeout_beyond_the_lifetime_is_refused_and_a_degraded_region_is_mentioned() -> None:
    asked, known = need(timeout_s=90_000), allowance({"WORKLOAD_LIFETIME_HOUR": 24})
    assert facts(refusals(asked, known)) == [
        (
            "run.timeout: a timeout of 90,000 s, but the organization ends runs after 24 h; "
            "lower it, split the work, or ask for a larger quota"
        )
    ]
    assert facts(warnings(asked, known)) == ["run.region: us is degraded at the moment; expect delays"]
    assert refusals(need(timeout_s=24 * 3600), known) == []


def test_a_checkup_says_what_is_allowed_what_is_not_and_what_could_not_be_asked() -> None:
    unread = [Problem("GET /organization/quota/organization", "HTTP 403")]
    checks = allowance_checks(need(region="eu"), allowance(), unread)
    assert [(check.level, check.subject) for check in checks] == [
        (Level.OK, "organization"),
        (Level.OK, "organization"),
        (Level.OK, "organization"),
        (Level.WARNING, "organization"),
        (Level.PROBLEM, "run.region"),
    ]
    assert allowance_checks(need(), allowance(), [])[-2].fact.startswith("the organization allows") is False
    assert any(
        check.subject == "sweep" and check.level is Level.OK for check in allowance_checks(need(), allowance(), [])
    )


@pytest.mark.parametrize(
    ("offset_s", "level", "fact"),
    [
        (0.4, Level.OK, "within a second of the service's"),
        (-12.0, Level.OK, "12 s ahead of the service's"),
        (7200.0, Level.WARNING, "7200 s behind the service's"),
        (None, Level.WARNING, "the service sends no plausible Date header"),
    ],
)
def test_the_clock(offset_s: float | None, level: Level, fact: str) -> None:
    check = clock_check(offset_s)
    assert (check.level, check.fact) == (level, fact)


def test_settings_are_named_and_never_shown() -> None:
    checks = setting_checks({"WHEROBOTS_API_KEY": "secret-key-1", "WHEROBOTS_REGION": "eu", "OTHER": "x"})
    assert [check.fact for check in checks] == ["from the environment: WHEROBOTS_API_KEY, WHEROBOTS_REGION"]
    assert [check.level for check in setting_checks({})] == [Level.OK, Level.PROBLEM]
