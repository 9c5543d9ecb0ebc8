"""The lines of a checkup that need no network."""

import pytest

from batchrun.engine.doctor.allowance import Allowance, Need
from batchrun.engine.doctor.checkup import CLOCK_WARNING_S, Level, allowance_checks, clock_check, setting_checks
from batchrun.errors import Problem
from batchrun.sweep.plan import Demand
from batchrun.wherobots.facts import OrganizationFacts

ACME = OrganizationFacts(id="acme", name="Acme", wherobots_cloud_features=["RUNS"], allowed_regions=["aws-us-west-2"])


def need(region: str) -> Need:
    demand = Demand(region=region, runtime="tiny", timeout_s=3600, runs=1)
    return Need(demands=(demand,))


def test_settings_are_named_and_their_values_never_shown() -> None:
    (only,) = setting_checks({"WHEROBOTS_API_KEY": "k-secret", "WHEROBOTS_REGION": "aws-us-west-2", "HOME": "/root"})
    assert (only.level, only.fact) == (Level.OK, "from the environment: WHEROBOTS_API_KEY, WHEROBOTS_REGION")


def test_a_missing_key_is_a_problem_with_a_way_out() -> None:
    settings, key = setting_checks({"WHEROBOTS_API_KEY": ""})
    assert settings.fact == "from the environment: none"
    assert (key.level, key.subject) == (Level.PROBLEM, "API key")
    assert "export WHEROBOTS_API_KEY" in key.fix


@pytest.mark.parametrize(
    ("offset_s", "level", "words"),
    [
        (None, Level.WARNING, "no plausible Date header"),
        (0.4, Level.OK, "within a second"),
        (-0.4, Level.OK, "within a second"),
        (5.0, Level.OK, "5 s behind"),
        (-5.0, Level.OK, "5 s ahead of"),
        (CLOCK_WARNING_S, Level.WARNING, "30 s behind"),
        (-3600.0, Level.WARNING, "3600 s ahead of"),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(offset_s: float | None, level: Level, words: str) -> None:
    check = clock_check(offset_s)
    assert check.level is level
    assert words in check.fact
    assert bool(check.fix) is (level is not Level.OK)


def test_a_sweep_that_the_organization_allows_is_said_to_be() -> None:
    checks = allowance_checks(need("aws-us-west-2"), Allowance(organization=ACME), [])
    assert [(check.subject, check.level) for check in checks][-1] == ("sweep", Level.OK)
    assert checks[0].fact == "Acme; features: RUNS"


def test_what_the_organization_refuses_is_a_problem_and_nothing_is_said_to_be_allowed() -> None:
    checks = allowance_checks(need("aws-eu-west-1"), Allowance(organization=ACME), [])
    assert [check.level for check in checks if check.subject == "run.region"] == [Level.PROBLEM]
    assert "sweep" not in {check.subject for check in checks}


def test_what_could_not_be_read_is_a_warning_and_nothing_is_said_to_be_allowed() -> None:
    unread = [Problem("GET /organization/quota", "HTTP 403")]
    checks = allowance_checks(need("aws-us-west-2"), Allowance(organization=ACME), unread)
    assert [check.fact for check in checks if check.level is Level.WARNING] == [
        "not checked: GET /organization/quota: HTTP 403"
    ]
    assert "sweep" not in {check.subject for check in checks}


def test_without_a_sweep_only_the_organization_is_described() -> None:
    assert {check.subject for check in allowance_checks(None, Allowance(organization=ACME), [])} == {"organization"}
