"""Every tuned number in ``batchrun.engine.pacing``, found by inspecting its modules, and how to change one of them."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any
from unittest.mock import patch

from batchrun.engine.pacing.backoff import BudgetPolicy
from batchrun.engine.pacing.quota_window import ProbePolicy
from batchrun.engine.pacing.rate_control import RatePolicy
from batchrun.engine.pacing.search_policy import DEFAULT_SEARCH, SearchPolicy
from batchrun.engine.pacing.start import StartPolicy

__all__ = ["MODULES", "Number", "changed", "numbers"]

PACKAGE = "batchrun.engine.pacing"
MODULES = (
    "pacer",
    "fixed_rate",
    "limit_search",
    "search_policy",
    "start",
    "narrowing",
    "rate_control",
    "quota_window",
    "concurrency_limit",
    "read_rate",
    "backoff",
)
POLICIES = (SearchPolicy, StartPolicy, RatePolicy, ProbePolicy, BudgetPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A module's constant, or a policy's field if ``policy`` names one."""

    module: str
    name: str
    value: float
    policy: str = ""

    @property
    def is_growth(self) -> bool:
        """Whether it is a factor from one value to the next, of which only what exceeds 1 is halved or doubled."""
        return 1.0 < self.value < 1.5

    def times(self, factor: float) -> float:
        """The value times ``factor``; counts stay whole, rounded up."""
        if isinstance(self.value, int):
            return -int(-self.value * factor // 1)
        return 1.0 + (self.value - 1.0) * factor if self.is_growth else self.value * factor


def numbers() -> Iterator[Number]:
    for name in MODULES:
        module = importlib.import_module(f"{PACKAGE}.{name}")
        for constant, value in vars(module).items():
            if constant.isupper() and _is_number(value):
                yield Number(module=name, name=constant, value=value)
        for policy in POLICIES:
            if policy.__module__ == module.__name__:
                yield from _fields_of(policy, name)


def _fields_of(policy: type[Any], module: str) -> Iterator[Number]:
    for field in fields(policy):
        value: Any = field.default
        if _is_number(value):
            yield Number(module=module, name=field.name, value=value, policy=policy.__name__)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@contextmanager
def changed(number: Number, value: float) -> Iterator[SearchPolicy]:
    """The search's policy with ``value`` for that number; a module's constant is replaced meanwhile."""
    if not number.policy:
        with patch(f"{PACKAGE}.{number.module}.{number.name}", value):
            yield DEFAULT_SEARCH
        return
    change: dict[str, Any] = {number.name: value}
    match number.policy:
        case RatePolicy.__name__:
            yield replace(DEFAULT_SEARCH, controller=replace(DEFAULT_SEARCH.controller, **change))
        case StartPolicy.__name__:
            yield replace(DEFAULT_SEARCH, start=replace(DEFAULT_SEARCH.start, **change))
        case ProbePolicy.__name__:
            yield replace(DEFAULT_SEARCH, probes=replace(DEFAULT_SEARCH.probes, **change))
        case _:
            yield replace(DEFAULT_SEARCH, **change)
