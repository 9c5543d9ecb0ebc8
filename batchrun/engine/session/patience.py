"""How long a batch may go without a success before it gives up. Pure: no clock."""

import math

__all__ = ["Patience"]


class Patience:
    """Counts the time in which the batch could have created runs but none succeeded.

    Waiting for ``max_active`` is not such a time: the batch's own runs may take hours, and then there is room. Waiting
    blindly is: while the service cannot be read, nobody would notice that they ended. A used-up quota may be held by
    others, so there the time is counted from the latest change of an own run.
    """

    __slots__ = ("_done", "_give_up_after_s", "_since_s")

    def __init__(self, give_up_after_s: float | None, *, now: float) -> None:
        """If ``give_up_after_s`` is None, the batch never gives up."""
        self._give_up_after_s = math.inf if give_up_after_s is None else give_up_after_s
        self._since_s = now
        self._done = 0

    def is_over(self, now: float, *, done: int, waits_for_own_runs: bool) -> bool:
        """Whether it is time to give up; ``done`` runs have been created or rejected so far. Call it often."""
        if done != self._done or waits_for_own_runs:
            self._done, self._since_s = done, now
        return now - self._since_s >= self._give_up_after_s
