"""What runs on the virtual clock, and what is measured."""

import math
import random
from dataclasses import dataclass

from batchrun.engine.pacing.limit_search import LimitSearch
from batchrun.engine.pacing.search_values import Learned
from benchmarks.pacing.clients import PEERS, SearchClient
from benchmarks.pacing.limiters import LIMITERS
from benchmarks.pacing.simulator import Change, Client, simulate

__all__ = ["OURS", "Adaptation", "Case", "Figures", "learned_by", "measure", "measure_change"]

OURS = "batchrun"
_STEADY_S = 5
_ADAPTED_SHARE = 0.9
_BURST = 1.4
_LEARNED_SHARE = 0.98  # a search settles one or two margins below the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One client against one hidden limit, until ``work`` requests were accepted or ``seconds`` have passed."""

    limiter: str
    rate_per_s: float
    sends_retry_after: bool
    seed: int
    client: str = OURS
    seconds: float = 900.0
    work: float = math.inf
    is_learned: bool = False
    change_at: float | None = None
    changed_per_s: float = 0.0

    @property
    def window_s(self) -> float | None:
        return 60.0 if "60 s" in self.limiter else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Shares are fractions of 1. ``after_warmup_…`` leave out the first two minutes."""

    used: float
    refused: float
    after_warmup_used: float
    after_warmup_refused: float
    seconds: float
    accepted: int


def measure(case: Case, client: Client | None = None) -> Figures:
    """Run the case, with ``client`` instead of its own if given."""
    result = simulate(
        client or _client(case),
        LIMITERS[case.limiter](case.rate_per_s, _phase(case)),
        seconds=case.seconds,
        work=case.work,
        seed=case.seed,
        sends_retry_after=case.sends_retry_after,
    )
    late = slice(min(120, int(case.seconds) // 2), int(result.seconds))
    accepted, refused = sum(result.accepted_a_second[late]), sum(result.refused_a_second[late])
    return Figures(
        used=result.share_used(case.rate_per_s),
        refused=result.share_refused,
        after_warmup_used=accepted / max(1.0, case.rate_per_s * (late.stop - late.start)),
        after_warmup_refused=refused / max(1, accepted + refused),
        seconds=result.seconds,
        accepted=result.accepted,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """Seconds until 90 % of the new limit was used for five seconds, and the refusals in the first minute."""

    seconds: float
    refusals: int


def measure_change(case: Case) -> Adaptation:
    at = int(case.change_at or 0.0)
    result = simulate(
        _client(case),
        LIMITERS[case.limiter](case.rate_per_s, _phase(case)),
        seconds=case.seconds,
        seed=case.seed,
        sends_retry_after=case.sends_retry_after,
        change=Change(float(at), case.changed_per_s),
    )
    seen, enough = result.accepted_a_second, _ADAPTED_SHARE * _STEADY_S * case.changed_per_s
    reached = (second for second in range(at, int(case.seconds) - _STEADY_S) if _is_steady(seen, second, enough))
    return Adaptation(seconds=next(reached, math.inf) - at, refusals=sum(result.refused_a_second[at : at + 60]))


def _is_steady(seen: list[int], second: int, enough: float) -> bool:
    """Whether the new limit is in use, and not the quota of a window that is spent at once."""
    return enough <= sum(seen[second : second + _STEADY_S]) <= enough * _BURST


def _client(case: Case) -> Client:
    if case.client != OURS:
        peer: Client = PEERS[case.client](case.seed)
        return peer
    return SearchClient(LimitSearch(learned=learned_by(case) if case.is_learned else None))


def learned_by(case: Case) -> Learned:
    """What an earlier session would have handed on."""
    return Learned(rate_per_s=case.rate_per_s * _LEARNED_SHARE, window_s=case.window_s)


def _phase(case: Case) -> float:
    """Where in its window the batch begins; drawn apart from the simulation's own seed."""
    return random.Random(case.seed * 7 + 3).random()
