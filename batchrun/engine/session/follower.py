"""Follow the batch's created runs during a session, so that the end of a run is recorded and frees a slot."""

import time
from collections import Counter
from collections.abc import Callable

import anyio
import anyio.to_thread

from batchrun.callbacks import ignored
from batchrun.engine.pacing.pacer import Pacer
from batchrun.engine.progress import Reporter, detached
from batchrun.engine.sending.active_runs import ActiveRuns, HeldBy
from batchrun.engine.stopping import StopSwitch, unusable_stop
from batchrun.engine.verdicts import is_call_refused
from batchrun.errors import ApiError, Problem
from batchrun.ledger.file import FileLedger
from batchrun.tracking.changes import Change
from batchrun.tracking.created_runs import learn_from_ended
from batchrun.tracking.follow import Follower
from batchrun.tracking.poller import Poller
from batchrun.tracking.reading import CallRefusedError, Reader
from batchrun.wherobots.client import RunsClient

__all__ = ["SessionFollower"]

REFUSED_AGAIN_S = 60.0
"""Seconds before retrying a service that refused every call that could follow a run."""
REFUSED_LOOKS = 2
"""In a row, before a batch that waits for a run to end stops: a proxy that restarts may answer 403 or 404 for a moment."""


class SessionFollower:
    """Follows the active runs for as long as anything needs their status."""

    def __init__(
        self,
        *,
        active_runs: ActiveRuns,
        poller: Poller,
        client: RunsClient,
        ledger: FileLedger,
        pacer: Pacer,
        reporter: Reporter,
        switch: StopSwitch,
        limits_units: bool = False,
        on_change: Callable[[Change], None] | None = None,
    ) -> None:
        """``limits_units``: ``stop_at_units`` is set, so what ended has to be known."""
        self._active_runs = active_runs
        self._poller = poller
        self._ledger = ledger
        self._reporter = reporter
        self._switch = switch
        self._base_url = client.settings.base_url
        self._limits_units = limits_units
        self.failure = ""
        """Why the last look could not read the active runs; empty if it could."""
        self._on_change = on_change or ignored
        self._follower = Follower(
            client=client,
            poller=poller,
            reader=Reader(pacer.wait_for_read),
            on_change=self._changed,
            on_note=reporter.note,
        )
        self.changes = 0
        """How many changes of runs were seen."""
        self._is_reported = False
        self._refused_looks = 0
        self._looking = anyio.Lock()
        self._ended_before = Counter[str]()

    @property
    def statuses(self) -> Counter[str]:
        """Created runs by their latest status, as far as they are followed."""
        return self._ended_before + self._poller.statuses

    async def run(self) -> None:
        """Look repeatedly; runs until cancelled."""
        # In a thread, and only where somebody looks: a ledger may know a million runs that have ended.
        if self._active_runs.are_followed:
            self._ended_before = await anyio.to_thread.run_sync(learn_from_ended, self._ledger.state, self._poller)
        wait_s = self._poller.rhythm.wait_s(time.monotonic())
        while True:
            with anyio.move_on_after(wait_s):
                await self._active_runs.wait_look_wanted()
            wait_s = await self.look() or self._poller.rhythm.wait_s(time.monotonic())

    async def look(self) -> float | None:
        """One look; returns how long to wait after one that was refused."""
        async with self._looking:
            return await self._look()

    async def _look(self) -> float | None:
        try:
            await self._active_runs.count_earlier()
            if self._active_runs.are_followed:
                await self._follower.look()
        except ApiError as error:
            self.failure = str(error)
            return error.retry_after_s  # the next look makes up for it
        except CallRefusedError as refused:
            self.failure = str(refused.error)
            # Not for good: the key may be allowed it meanwhile, and other runs can be created until then.
            self._cannot_follow(refused.error)
            return REFUSED_AGAIN_S
        finally:
            # Nothing waits for a look that does not come: what was active still counts as active.
            self._active_runs.looked()
        self.failure, self._refused_looks = "", 0
        return None

    def _cannot_follow(self, error: ApiError) -> None:
        self._refused_looks += 1
        stop = unusable_stop(error, self._base_url, has_responded=True)
        if stop is not None and self._is_needed_after(error):
            self._switch.pull(stop)
        elif not self._is_reported:
            self._is_reported = True
            fix = "ended runs are noticed once they can be read again"
            self._reporter.note(Problem("max_active", f"the active runs cannot be read: {error}", fix))

    def _is_needed_after(self, error: ApiError) -> bool:
        """Whether the batch cannot do without following, now that the service refuses it."""
        if is_call_refused(error):
            # Runs can still be created, as long as none has to end first.
            return self._refused_looks >= REFUSED_LOOKS and self._active_runs.held_by is HeldBy.MAX_ACTIVE
        # 401 or a redirect: the next POST would fare no better, and while slots are full none is sent to find out.
        return self._limits_units or self._active_runs.limit is not None

    def _changed(self, change: Change) -> None:
        self.changes += 1
        self._ledger.record(change.event(self._ledger.clock.stamp()))
        if change.is_final:
            self._active_runs.ended()
        try:
            self._on_change(change)
        except Exception as error:  # noqa: BLE001 - somebody else's code, as an observer's is
            self._on_change = ignored
            self._reporter.note(detached("on_change", error))
