"""A rate limit that refuses everything has closed its window: how long it is, when it resets, what it allows. Pure.

A closed window is not a lower rate. It gets single probes at growing intervals, and one at each moment at which a window
of a common length (1 s, 10 s, a minute, …) would reset, counted from the last reset seen. All times are seconds of one
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
    "RefusalStreaks",
    "WindowReset",
]

NATURAL_WINDOWS_S = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
"""The lengths that people configure. A measurement has the error of a probe gap; the length that fits has none."""

_BIN_S = 0.1
"""Resolution of the count of accepted requests: a tenth of the shortest window."""
_HORIZON_S = 2.0 * NATURAL_WINDOWS_S[-1]
"""How far back that count goes: a full window of the longest length, whenever in a window it is asked for."""
_MIN_CYCLE_COUNT = 10
"""Requests accepted since the last cut, at least, to average: with ten, one more or less is 10 % of the rate."""
_MAX_STREAK_ENDS = 4096
"""Bounds memory during a long outage; far beyond any number of requests in flight."""
_MIN_CLOSED_S = 1.0
"""A shorter closure may as well be a token bucket under load: it proves no window."""
_DEFAULT_LENGTH_S = 1.0
"""The length to assume while none is known: the shortest that people configure."""
_MIN_RESET_S = 2.0
"""A shorter closure dates its reset too loosely, compared with its length, to measure lengths from."""
_SETTLING_SHARE = 0.5
"""Share of a length after a reset for which a sliding window may still close for moments."""
_FEEDBACK_GAPS = 2.0
"""First probe gap in response times: the answer to one probe is known before the next one leaves."""
_PROBES_PER_WINDOW = 60.0
"""Probes of a known window at most: one a second for a window of a minute."""
_EARLIEST_PROBE_SHARE = 0.25
"""Share of the gap that must pass before a probe at a possible reset: keeps two of them from following closely."""
_SLIDING_SHARE = 0.8
"""A reset sooner than this share of a length after the last one: the window slides, and nothing was reset."""
_SHARP_SHARE = 0.05
"""Largest error of a first reset, as a share of the time since the first request, to measure a length from it."""
_FIRST_LENGTH_SHARE = 0.9
"""Lower bound of a length measured that way, as a share: some of the first requests were not counted yet."""
_MAX_LENGTH_RATIO = 10.0
"""Largest length in closures: between two resets seen, others may have gone unseen while the batch was idle."""


class AcceptedCount:
    """How many requests were accepted since a moment, by the time they were sent, in bins of `_BIN_S`."""

    __slots__ = ("_bins",)

    def __init__(self) -> None:
        self._bins: deque[list[int]] = deque()  # [number of the bin, count], oldest first

    def add(self, sent_at: float) -> None:
        number = math.floor(sent_at / _BIN_S)
        bins = self._bins
        place = len(bins)
        while place and bins[place - 1][0] > number:  # responses overtake each other, but not by much
            place -= 1
        if place and bins[place - 1][0] == number:
            bins[place - 1][1] += 1
        else:
            bins.insert(place, [number, 1])
            while bins[0][0] < bins[-1][0] - _HORIZON_S / _BIN_S:
                bins.popleft()

    def since(self, at: float) -> float:
        """Not always whole: the bin that contains ``at`` counts in part."""
        count = 0.0
        for number, accepted in reversed(self._bins):
            end = (number + 1) * _BIN_S
            if end <= at:
                break
            count += accepted * min(1.0, (end - at) / _BIN_S)
        return count

    def average(self, since: float, until: float) -> float:
        """Per second, of what was accepted since then; 0 from too few."""
        count, span_s = self.since(since), until - since
        return count / span_s if count >= _MIN_CYCLE_COUNT and span_s > 0.0 else 0.0


class RefusalStreaks:
    """How many requests sent one after the other were refused.

    Refusals come back faster than successes, so the order of the responses says nothing; the order of sending does.
    """

    __slots__ = ("_length_at",)

    def __init__(self) -> None:
        self._length_at: dict[int, int] = {}  # correct at both ends of a streak, which is all that is looked up

    def add(self, number: int) -> int:
        """The length of the streak that the refused request ``number`` is now part of."""
        left, right = self._length_at.get(number - 1, 0), self._length_at.get(number + 1, 0)
        length = left + 1 + right
        if len(self._length_at) >= _MAX_STREAK_ENDS:
            self.clear()
        self._length_at[number] = self._length_at[number - left] = self._length_at[number + right] = length
        return length

    def clear(self) -> None:
        self._length_at.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePolicy:
    """The gaps between the probes of a closed window. README.md has where each value comes from."""

    first_gap_s: float = 0.3
    """Seconds to the first probe: a window of one second is found open within a third of its length."""
    growth: float = 1.3
    """Factor from one gap to the next: a window that is closed for a minute gets 16 probes."""
    longest_gap_s: float = 30.0
    """Seconds between probes at most: a window of an hour is found open within half a minute."""
    after_reset_s: float = 0.05
    """Seconds after a possible reset at which to probe it: jitter must not deliver the probe before the reset."""


DEFAULT_PROBES = ProbePolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowReset:
    """A closed window that accepts requests again."""

    closed_for_s: float
    """How long it was closed, at least."""
    length_s: float
    """Its length, as far as it can be inferred."""
    counts_since: float
    """All that the window allowed was accepted after this time."""
    is_settling: bool
    """Whether it had been reset only a moment before it closed."""

    @property
    def is_conclusive(self) -> bool:
        """Whether it was closed for long enough to be a window."""
        return self.closed_for_s >= _MIN_CLOSED_S


class QuotaWindow:
    """The resets seen so far, the window's length once known, and when to probe a closed window next."""

    __slots__ = (
        "_closed_at",
        "_closed_until",
        "_gap_s",
        "_last_reset",
        "_length_s",
        "_longest_closed_s",
        "_opened_at",
        "_policy",
        "_probe_at",
    )

    def __init__(self, now: float, *, length_s: float | None = None, policy: ProbePolicy = DEFAULT_PROBES) -> None:
        self._policy = policy
        self._opened_at = now
        self._gap_s = policy.first_gap_s
        self._probe_at = now
        self._closed_until = now
        self._longest_closed_s = 0.0
        self._length_s = length_s
        self._last_reset: tuple[float, float] | None = None  # it happened between these two times
        self._closed_at: float | None = None

    @property
    def is_closed(self) -> bool:
        return self._closed_at is not None

    @property
    def probe_at(self) -> float:
        return self._probe_at

    @property
    def length_s(self) -> float | None:
        """The length as measured, or else the shortest that fits the closures seen; None without any."""
        if self._length_s is not None or self._longest_closed_s < _MIN_CLOSED_S:
            return self._length_s
        longest_s = self._longest_closed_s
        return min((length for length in NATURAL_WINDOWS_S if length >= longest_s), default=longest_s)

    def is_settling(self, at: float) -> bool:
        """Whether it was reset less than half a length ago: a sliding window then still closes for moments."""
        if self._last_reset is None or self.length_s is None:
            return False
        return at - self._last_reset[1] < _SETTLING_SHARE * self.length_s

    def average(self, accepted: AcceptedCount, until: float) -> float | None:
        """Accepted per second within the last length; None while that says nothing."""
        length_s = self.length_s
        if length_s is None or self.is_settling(until):
            return None
        return accepted.since(until - length_s) / length_s

    def close(self, now: float, *, since: float, feedback_s: float) -> None:
        """Everything sent from ``since`` on was refused; a refusal takes ``feedback_s`` to arrive."""
        self._closed_at = since
        by_length_s = (self.length_s or 0.0) / _PROBES_PER_WINDOW
        self._gap_s = max(self._policy.first_gap_s, _FEEDBACK_GAPS * feedback_s, by_length_s)
        self._probe_at = self._next_probe(now)

    def probed(self, now: float) -> None:
        self._gap_s = min(self._gap_s * self._policy.growth, self._policy.longest_gap_s)
        self._probe_at = self._next_probe(now)

    def postpone_probe(self, at: float) -> None:
        """Another call is sent before: it may take what the window has."""
        self._probe_at = max(self._probe_at, at)

    def known_closed(self, until: float) -> None:
        """A refusal, or its ``Retry-After``, says that the window is closed at least until then."""
        self._closed_until = max(self._closed_until, until)

    def reopened(self, at: float) -> WindowReset:
        """A request sent ``at`` was accepted again."""
        closed_at = at if self._closed_at is None else self._closed_at
        is_settling = self.is_settling(closed_at)
        closed_until = min(self._closed_until, at)
        closed_for_s = max(closed_until - closed_at, 0.0)
        self._longest_closed_s = max(self._longest_closed_s, closed_for_s)
        last_reset_at = self._last_reset[1] if self._last_reset else self._opened_at
        if at - closed_at >= _MIN_RESET_S:
            self._add_reset(closed_until, at)
        self._opened_at = at
        self._closed_at = None
        length_s = self.length_s or _DEFAULT_LENGTH_S
        since = closed_at - length_s
        if at - last_reset_at > _SLIDING_SHARE * length_s:
            since = max(since, last_reset_at)
        return WindowReset(closed_for_s=closed_for_s, length_s=length_s, counts_since=since, is_settling=is_settling)

    def _add_reset(self, after: float, at: float) -> None:
        """Measure the length: from reset to reset, or, for a sliding window, from the first request to the first reset."""
        if self._last_reset is not None:
            self._measure(after - self._last_reset[1], at - self._last_reset[0])
        elif at - after <= _SHARP_SHARE * (at - self._opened_at):
            self._measure(_FIRST_LENGTH_SHARE * (after - self._opened_at), at - self._opened_at)
        self._last_reset = (after, at)

    def _measure(self, least_s: float, most_s: float) -> None:
        """Take the longest natural length within the bounds, unless the one known explains every closure so far."""
        if self._length_s is not None and self._length_s >= self._longest_closed_s:
            return
        least_s = max(least_s, self._longest_closed_s)
        most_s = min(most_s, _MAX_LENGTH_RATIO * self._longest_closed_s)
        fitting = (length for length in NATURAL_WINDOWS_S if least_s <= length <= most_s)
        self._length_s = max(fitting, default=self._length_s)

    def _next_probe(self, now: float) -> float:
        """After the gap, or earlier at a moment at which a window of a natural length would reset."""
        soonest = now + self._gap_s * _EARLIEST_PROBE_SHARE
        resets = (self._opened_at + length + self._policy.after_reset_s for length in NATURAL_WINDOWS_S)
        return min([now + self._gap_s, *(reset for reset in resets if reset >= soonest)])
