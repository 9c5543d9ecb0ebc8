"""Positive controls: runs of ours that a list must show before its silence about other runs is believed."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import anyio

from batchrun.engine.sending.witnesses import Witnesses
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Control", "Controls"]

EVERY_S = 0.5
"""One run in this time is kept as a control: what matters is when it was created, not how many there are."""
MOST = 1_000
"""Controls that are kept: the last eight minutes of steady submitting."""


@dataclass(frozen=True, slots=True)
class Control:
    """A run whose creation the service confirmed at ``at_s``, on the monotonic clock."""

    at_s: float
    run_id: str
    name: str


class Controls:
    """The runs of this session that can serve as controls, in the order of their creation."""

    def __init__(self, *, is_same_organization: bool = True) -> None:
        self._organization_proven = anyio.Event()
        if is_same_organization:
            self.prove_organization()
        self._controls: deque[Control] = deque(maxlen=MOST)
        self.witnesses = Witnesses()
        self.created = 0
        """Runs created so far in this session; a list that grows by them while it is read is not cut short."""

    @property
    def is_same_organization(self) -> bool:
        """Whether it is proven that the API key belongs to the organization that earlier sessions sent runs to.

        Another organization's list shows none of them.
        """
        return self._organization_proven.is_set()

    def prove_organization(self) -> None:
        """A run of an earlier session was found."""
        self._organization_proven.set()

    async def wait_organization_proven(self, seconds: float) -> None:
        """Return as soon as it is proven, and after a while in any case."""
        with anyio.move_on_after(seconds):
            await self._organization_proven.wait()

    def add(self, run_id: str, name: str, region: str) -> None:
        self.witnesses.add(run_id, name, region)
        # Also those that are not kept as controls: each of them makes a list grow.
        self.created += 1
        now_s = time.monotonic()
        if not self._controls or now_s - self._controls[-1].at_s >= EVERY_S:
            self._controls.append(Control(now_s, run_id, name))

    def shown_by(self, listed: Iterable[RunSummary]) -> set[str]:
        """The ids of those controls that are listed under the name that they were sent with.

        A service that writes names in another way shows none: then a list does not show what is looked for by name either.
        """
        names = {control.run_id: control.name for control in self._controls}
        return {run.id for run in listed if run.name is not None and names.get(run.id) == run.name}

    def later_than(self, at_s: float) -> list[Control]:
        """The controls that were created after ``at_s``, the first of them first: it had the longest to become visible."""
        return [control for control in self._controls if control.at_s > at_s]
