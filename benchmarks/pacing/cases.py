"""What is run on the virtual clock, and what is read off it."""

import math
import random
from dataclasses import dataclass

from batchrun.engine.pacing.limit_search import Learned, LimitSearch
from benchmarks.pacing.clients import PEERS, Searching
from benchmarks.pacing.limiters import LIMITERS
from benchmarks.pacing.simulator import Change, Client, simulate

__all__ = ["OURS", "Case", "Figures", "Following", "follow", "measure"]

OURS = "batchrun"
_STEADY_S = 5
_FOLLOWED = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One client against one hidden limit. ``work`` requests, or as many as go in ``seconds``."""

    limiter: str
    rate_per_s: float
    tells_retry_after: bool
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
    """Shares of 1. ``after_warmup_…`` leave out the first two minutes."""

    used: float
    refused: float
    after_warmup_used: float
    after_warmup_refused: float
    seconds: float
    accepted: int


def measure(case: Case) -> Figures:
    result = simulate(
        _client(case),
        LIMITERS[case.limiter](case.rate_per_s, _phase(case)),
        seconds=case.seconds,
        work=case.work,
        seed=case.seed,
        tells_retry_after=case.tells_retry_after,
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
class Following:
    """Seconds until nine tenths of the new limit were used for five seconds, and the refusals in the first minute."""

    seconds: float
    refusals: int


def follow(case: Case) -> Following:
    at = int(case.change_at or 0.0)
    result = simulate(
        _client(case),
        LIMITERS[case.limiter](case.rate_per_s, _phase(case)),
        seconds=case.seconds,
        seed=case.seed,
        tells_retry_after=case.tells_retry_after,
        change=Change(float(at), case.changed_per_s),
    )
    seen, enough = result.accepted_a_second, _FOLLOWED * _STEADY_S * case.changed_per_s
    reached = (second for second in range(at, int(case.seconds) - _STEADY_S) if _is_steady(seen, second, enough))
    return Following(seconds=next(reached, math.inf) - at, refusals=sum(result.refused_a_second[at : at + 60]))


def _is_steady(seen: list[int], second: int, enough: float) -> bool:
    return enough <= sum(seen[second : second + _STEADY_S]) <= enough * 1.4


def _client(case: Case) -> Client:
    if case.client != OURS:
        peer: Client = PEERS[case.client](case.seed)
        return peer
    learned = Learned(rate_per_s=case.rate_per_s * 0.98, window_s=case.window_s) if case.is_learned else None
    return Searching(LimitSearch(learned=learned))


def _phase(case: Case) -> float:
    return random.Random(case.seed * 7 + 3).random()
