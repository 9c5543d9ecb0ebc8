"""When to try a run although the quota is used up: others may be using it, and nothing announces when it is free. Pure."""

__all__ = ["FIRST_S", "LONGEST_S", "QuotaProbe"]

FIRST_S = 2.0
"""Seconds until the first probe: a run that just ended may not have freed its quota yet."""
LONGEST_S = 60.0
"""Seconds between probes at most: a run lasts minutes, and a minute without a run costs little beside that."""
_GROWTH = 2.0
"""Factor from one gap to the next: an hour of waiting costs some sixty requests."""


class QuotaProbe:
    """One attempt at a time: at growing gaps while they are refused, and at once after one that created its run.

    Times are seconds of one monotonic clock.
    """

    __slots__ = ("_gap_s", "_is_out", "_is_waiting", "at_s")

    def __init__(self) -> None:
        self._gap_s = FIRST_S
        self._is_waiting = False  # since a refusal
        self._is_out = False  # a probe
        self.at_s = 0.0
        """When the next one may start."""

    def sent(self, now: float) -> None:
        """One starts; if nothing is heard of it, the next one starts after a gap."""
        self.at_s = now + self._gap_s
        self._is_out = True

    def refused(self, now: float, asked_s: float = 0.0) -> None:
        """An attempt was refused for quota; ``asked_s`` is its ``Retry-After``.

        Those that were under way with the first one say nothing new.
        """
        if self._is_waiting and not self._is_out:
            self.at_s = max(self.at_s, now + asked_s)
            return
        self.at_s = max(self.at_s, now + max(self._gap_s, asked_s))
        self._gap_s = min(self._gap_s * _GROWTH, LONGEST_S)
        self._is_waiting, self._is_out = True, False

    def succeeded(self, now: float) -> None:
        """A run was created: there is room, and there may be more."""
        self._gap_s = FIRST_S
        self._is_waiting = self._is_out = False
        self.at_s = now
