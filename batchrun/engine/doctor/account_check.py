"""What the service reports about an organization, call by call; a refused call leaves its part unknown."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from batchrun.engine.doctor.allowance import Allowance, Need
from batchrun.errors import ApiError, Problem
from batchrun.sweep.plan import Plan
from batchrun.wherobots.account import Account

__all__ = ["need_of", "read_allowance"]

T = TypeVar("T")


class _Environment(msgspec.Struct, frozen=True):
    spark_driver_disk_gb: float | None = msgspec.field(default=None, name="sparkDriverDiskGB")
    spark_executor_disk_gb: float | None = msgspec.field(default=None, name="sparkExecutorDiskGB")


class _Payload(msgspec.Struct, frozen=True):
    environment: _Environment = _Environment()


_read_payload = msgspec.json.Decoder(_Payload).decode


def need_of(plan: Plan) -> Need:
    """What a plan needs; iterates over every run."""
    largest = 0.0
    for run in plan:
        if b"DiskGB" in run.body:  # few sweeps set disks, and a million payloads take seconds to decode
            environment = _read_payload(run.body).environment
            largest = max(largest, environment.spark_driver_disk_gb or 0, environment.spark_executor_disk_gb or 0)
    return Need(demands=plan.demands, largest_disk_gb=int(largest) or None)


async def read_allowance(account: Account) -> tuple[Allowance, list[Problem]]:
    """What could be read, with a problem for each refused call."""
    unread: list[Problem] = []

    async def read(call: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await call()
        except ApiError as error:
            unread.append(error.problems[0])
            return None

    return (
        Allowance(
            organization=await read(account.organization),
            quotas=await read(account.quotas),
            hints=await read(account.hints),
        ),
        unread,
    )
