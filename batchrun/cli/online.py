"""What ``plan --online`` asks the service; it only reads."""

import os

import anyio

from batchrun.cli.loading import loop_options
from batchrun.cli.output import Output
from batchrun.engine.doctor.account_check import need_of, read_allowance
from batchrun.engine.doctor.allowance import Allowance, refusals, warnings
from batchrun.errors import ManifestError, Problem
from batchrun.sweep.plan import Plan
from batchrun.wherobots.account import Account
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.facts import Hints
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport

__all__ = ["check_online"]


def check_online(plan: Plan, output: Output, *, base_url: str | None) -> Hints | None:
    """Refuse what the organization does not allow; warn of what it allows differently, and of what could not be asked.

    Returns what the service says of runtimes and regions, or None if it says nothing.

    Raises:
        ManifestError: the service would refuse runs of this plan.
        SettingsError: the API key is missing.

    """
    settings = ApiSettings.from_environment(os.environ, base_url=base_url)
    allowance, unread = anyio.run(_ask, settings, backend_options=loop_options())
    for problem in unread:
        output.warn(Problem(problem.place, f"not checked: {problem.fact}"))
    need = need_of(plan)
    for warning in warnings(need, allowance):
        output.warn(warning)
    if found := refusals(need, allowance):
        raise ManifestError(found)
    return allowance.hints


async def _ask(settings: ApiSettings) -> tuple[Allowance, list[Problem]]:
    async with RunsClient(settings, open_transport(settings, connections=1)) as client:
        return await read_allowance(Account(client))
