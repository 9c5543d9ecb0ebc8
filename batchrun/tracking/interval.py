"""How long to wait between two looks at the runs, from what is known of their duration. Pure."""

from dataclasses import dataclass

__all__ = ["Rhythm"]

NORMAL_S = 15.0
"""Between two looks: a change is known within 20 s, a list call included."""
LONGEST_S = 60.0
"""Between two looks at long runs of which none changes."""
SHORTEST_S = 0.1
"""Between two looks at the shortest runs, which only tests have; the reading rate is the real bound."""
FIRST_S = 1.0
"""At first, while nothing is known of the runs' length."""
SHARE = 0.05
"""Short runs are looked at this often in their usual length: their end frees a place that others wait for, and half of
this share of it stays empty."""
SHARE_AT_FIRST = 0.1
"""While no run has ended they are looked at in this share of the time since the first look: some forty times in 150 s."""
SHARE_WHILE_QUIET = 0.02
"""Long runs may be looked at more rarely while none changes, and still each change is known within this share of their
length."""
QUIET_SHARE = 0.25
"""The wait grows by no more than this share of the time since the last change, so that it grows gradually."""
WEIGHT = 0.1
"""Of each new run in the running average of their length."""


@dataclass(slots=True)
class Rhythm:
    """The wait between looks. Times are monotonic seconds."""

    began_s: float
    usual_s: float | None = None
    """How long runs last, from their creation to their end."""
    changed_s: float | None = None

    def learn(self, lasted_s: float) -> None:
        """A run has ended after this time."""
        before = self.usual_s
        self.usual_s = lasted_s if before is None else before + WEIGHT * (lasted_s - before)

    def changed(self, now_s: float) -> None:
        self.changed_s = now_s

    def wait_s(self, now_s: float) -> float:
        """How long to wait for the next look. While no run has ended, they are at least as long as nothing happened."""
        if self.usual_s is None:
            length_s = now_s - self.began_s
            base_s = min(max(SHARE_AT_FIRST * length_s, FIRST_S), NORMAL_S)
        else:
            length_s = self.usual_s
            base_s = min(max(SHARE * length_s, SHORTEST_S), NORMAL_S)
        quiet_s = now_s - (self.changed_s if self.changed_s is not None else self.began_s)
        bound_s = min(SHARE_WHILE_QUIET * max(length_s, quiet_s), LONGEST_S)
        return max(base_s, min(QUIET_SHARE * quiet_s, bound_s))
