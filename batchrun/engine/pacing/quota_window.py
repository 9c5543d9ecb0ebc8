"""A limiter that refuses everything has closed its window: how long that is, when it turns, what it let in. Pure.

A closed window is not a lower rate. It is left alone and probed singly, ever more rarely, and besides at the moments at
which the usual windows (1 s, 10 s, a minute, …) would turn, counted from the last turn seen. All times are seconds of one
monotonic clock.
"""

import math
from collections import deque
from dataclasses import dataclass

__all__ = [
    "DEFAULT_PROBES",
    "NATURAL_WINDOWS_S",
    "AcceptedCount",
    "ProbePolicy",
    "QuotaWindow",
    "RefusedRuns",
    "WindowReset",
]

NATURAL_WINDOWS_S = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
"""The lengths that people configure; a measured one is taken for the one that fits."""

_BIN_S = 0.1
_HORIZON_S = 2.0 * NATURAL_WINDOWS_S[-1]
_LONG_S = 1.0  # shut for less, and it may be a busy bucket just as well
_TURN_S = 2.0  # a shorter stop gives no turn that is worth remembering
_MOST_RUNS = 4096


class AcceptedCount:
    """How many were let in since a moment, by when they were sent, in bins of a tenth of a second; two hours are kept."""

    __slots__ = ("_bins",)

    def __init__(self) -> None:
        self._bins: deque[list[int]] = deque()  # [number of the bin, count], oldest first

    def add(self, sent_at: float) -> None:
        number = math.floor(sent_at / _BIN_S)
        bins = self._bins
        place = len(bins)
        while place and bins[place - 1][0] > number:  # answers overtake each other, but not by much
            place -= 1
        if place and bins[place - 1][0] == number:
            bins[place - 1][1] += 1
        else:
            bins.insert(place, [number, 1])
            while bins[0][0] < bins[-1][0] - _HORIZON_S / _BIN_S:
                bins.popleft()

    def since(self, at: float) -> float:
        """A bin that is cut by ``at`` counts in part, so this need not be whole."""
        count = 0.0
        for number, accepted in reversed(self._bins):
            end = (number + 1) * _BIN_S
            if end <= at:
                break
            count += accepted * min(1.0, (end - at) / _BIN_S)
        return count


class RefusedRuns:
    """How many neighbours, in the order of sending, were refused together.

    Refusals come back faster than successes, so that the order of answers says nothing.
    """

    __slots__ = ("_length_at",)

    def __init__(self) -> None:
        self._length_at: dict[int, int] = {}  # right at both ends of a run; what is within is never asked for

    def add(self, number: int) -> int:
        """The length of the run that the refused request ``number`` is now part of."""
        left, right = self._length_at.get(number - 1, 0), self._length_at.get(number + 1, 0)
        length = left + 1 + right
        if len(self._length_at) >= _MOST_RUNS:
            self.clear()
        self._length_at[number] = self._length_at[number - left] = self._length_at[number + right] = length
        return length

    def clear(self) -> None:
        self._length_at.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePolicy:
    """Gaps between the probes of a closed window: from ``first_gap_s`` up by ``growth`` to ``longest_gap_s``."""

    first_gap_s: float = 0.3
    growth: float = 1.3
    longest_gap_s: float = 30.0
    after_turn_s: float = 0.05


DEFAULT_PROBES = ProbePolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowReset:
    """A window that opened again.

    ``shut_for_s`` is how long it was closed for at least; ``length_s`` its length as far as that can be told; what was
    let in since ``counts_since`` was all that it gave; ``is_settling`` when it had turned only a moment before.
    """

    shut_for_s: float
    length_s: float
    counts_since: float
    is_settling: bool

    @property
    def is_telling(self) -> bool:
        return self.shut_for_s >= _LONG_S


class QuotaWindow:
    """The turns seen so far, the length once known, and when a closed window is probed next."""

    __slots__ = (
        "_closed_at",
        "_gap_s",
        "_last_turn",
        "_length_s",
        "_longest_s",
        "_opened_at",
        "_policy",
        "_probe_at",
        "_shut_until",
    )

    def __init__(self, now: float, *, length_s: float | None = None, policy: ProbePolicy = DEFAULT_PROBES) -> None:
        self._policy = policy
        self._opened_at = now
        self._gap_s = policy.first_gap_s
        self._probe_at = now
        self._shut_until = now
        self._longest_s = 0.0
        self._length_s = length_s
        self._last_turn: tuple[float, float] | None = None  # it lies between these two
        self._closed_at: float | None = None

    @property
    def is_closed(self) -> bool:
        return self._closed_at is not None

    @property
    def probe_at(self) -> float:
        return self._probe_at

    @property
    def length_s(self) -> float | None:
        """The length as measured, or else the least that fits what was seen; None when nothing was."""
        if self._length_s is not None or self._longest_s < _LONG_S:
            return self._length_s
        return min((length for length in NATURAL_WINDOWS_S if length >= self._longest_s), default=self._longest_s)

    def is_settling(self, at: float) -> bool:
        """It turned less than half a window ago. A sliding window then still closes for moments."""
        return (
            self._last_turn is not None and self.length_s is not None and at - self._last_turn[1] < 0.5 * self.length_s
        )

    def close(self, now: float, *, since: float, feedback_s: float) -> None:
        """Everything sent from ``since`` on was refused; an answer takes ``feedback_s``."""
        self._closed_at = since
        self._gap_s = max(self._policy.first_gap_s, 2.0 * feedback_s, (self.length_s or 0.0) / 60.0)
        self._probe_at = self._next_probe(now)

    def probed(self, now: float) -> None:
        self._gap_s = min(self._gap_s * self._policy.growth, self._policy.longest_gap_s)
        self._probe_at = self._next_probe(now)

    def known_shut(self, until: float) -> None:
        """A refusal, or a ``Retry-After``, says that it is closed at least ``until`` then."""
        self._shut_until = max(self._shut_until, until)

    def reopened(self, at: float) -> WindowReset:
        """It let one in that was sent ``at``."""
        closed_at = at if self._closed_at is None else self._closed_at
        is_settling = self.is_settling(closed_at)
        shut_until = min(self._shut_until, at)
        shut_for_s = max(shut_until - closed_at, 0.0)
        self._longest_s = max(self._longest_s, shut_for_s)
        turned_at = self._last_turn[1] if self._last_turn else self._opened_at
        if at - closed_at >= _TURN_S:
            self._turned(shut_until, at)
        self._opened_at = at
        self._closed_at = None
        length_s = self.length_s or _LONG_S
        since = closed_at - length_s
        if at - turned_at > 0.8 * length_s:  # sooner, and it slides: then the turn begins nothing new
            since = max(since, turned_at)
        return WindowReset(shut_for_s=shut_for_s, length_s=length_s, counts_since=since, is_settling=is_settling)

    def _turned(self, after: float, at: float) -> None:
        """Learn the length: from turn to turn, or, where it slides, from the first request to the first turn."""
        if self._last_turn is not None:
            self._learn(after - self._last_turn[1], at - self._last_turn[0])
        elif at - after <= 0.05 * (at - self._opened_at):
            self._learn(0.9 * (after - self._opened_at), at - self._opened_at)
        self._last_turn = (after, at)

    def _learn(self, least_s: float, most_s: float) -> None:
        if self._length_s is not None and self._length_s >= self._longest_s:
            return
        least_s, most_s = max(least_s, self._longest_s), min(most_s, 10.0 * self._longest_s)
        self._length_s = max(
            (length for length in NATURAL_WINDOWS_S if least_s <= length <= most_s), default=self._length_s
        )

    def _next_probe(self, now: float) -> float:
        soonest = now + self._gap_s / 4.0
        turns = (self._opened_at + length + self._policy.after_turn_s for length in NATURAL_WINDOWS_S)
        return min([now + self._gap_s, *(reset for reset in turns if reset >= soonest)])
