"""The followed runs, what the service reported about them, and what to query next. Pure: time is passed in.

Each look lists only what is active. A run that this list lacks has ended or hides: a list may lag, a run may change while
pages turn, and a status that the service added lately passes no filter. So absence is never an end; such a run is looked
up, in the list of ended runs or by its id.
"""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from os.path import commonprefix

from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.statuses import has_ended
from batchrun.tracking.changes import Change, Followed, change_of, gone_change, runtime_of
from batchrun.tracking.durations import Durations
from batchrun.tracking.interval import Rhythm
from batchrun.tracking.look_ups import LookUps, plan_look_ups
from batchrun.wherobots.enums import RunStatus
from batchrun.wherobots.summaries import AppSummary, RunSummary

__all__ = ["ACTIVE", "CREATED", "ENDED", "PENDING", "Poller"]

CANCELLED = RunStatus.CANCELLED.value
PENDING = RunStatus.PENDING.value
ACTIVE = (PENDING, RunStatus.RUNNING.value)
ENDED = tuple(status.value for status in RunStatus if status.is_final)
CREATED = "created"
"""Stands for the status of a run of which the service did not say one yet."""
LAG_S = 5.0
"""A new run may not be in lists yet; it is looked up after the usual length of a run, or this while that is not known."""
LONGEST_LAG_S = 30.0
"""Lists lag by seconds, not by the hours that a run may take."""
RECHECK_S = 15.0
"""Until a run that is active and that no list shows is asked for again."""
GONE_AGAIN_S = 5.0
"""Between the two times that the service must say it does not know a run: one answer may come from a lagging replica."""
GONE_MISSES = 2
UNLISTED_MISSES = 4
"""Where no list can confirm it, more of them."""
LONGEST_PREFIX = 254
"""Of a name filter, so that it has at most 255 characters with its asterisk."""
CREATED_MARGIN_S = 1.0
"""Before the creation of the oldest run, in case ``created_after`` is exclusive or rounded."""


class Poller:
    """The followed runs of one batch. ``app_of`` reads the application of a run, which explains failures."""

    def __init__(self, now_s: float, app_of: Callable[[RunSummary], AppSummary | None] = lambda _: None) -> None:
        self.active: dict[str, Followed] = {}
        """By run id."""
        self.statuses = Counter[str]()
        """Every run that was ever followed, by its latest status."""
        self.durations = Durations()
        self._prefix: str | None = None
        self._app_of = app_of
        self.rhythm = Rhythm(now_s)
        self.odd_statuses: set[str] = set()
        """Statuses that batchrun does not know and that runs of the batch have; they are listed as well."""
        self.lists_odd = True
        """False: the service's list does not accept them."""
        self.is_key_proven = False
        """The key belongs to the organization of the followed runs: some answer showed one of them, or it was checked."""
        self.has_found = False
        """Some run was found by its id: then ids can be asked for."""
        self._ended_s: list[float] = []
        self._unseen: dict[str, Followed] = {}

    def add(self, run: Followed, now_s: float, *, is_new: bool = True) -> None:
        """Follow a run; ``is_new``: it was created just now, so lists need not show it yet."""
        if run.run_id not in self.active:
            lag_s = min(self.rhythm.usual_s if self.rhythm.usual_s is not None else LAG_S, LONGEST_LAG_S)
            run.due_s = now_s + lag_s if is_new else now_s
            self.active[run.run_id] = run
            self.statuses[run.status or CREATED] += 1
            self._prefix = run.name if self._prefix is None else commonprefix([self._prefix, run.name])  # noqa: RUF071 - names, not paths

    @property
    def name_prefix(self) -> str:
        """What the names of all followed runs begin with."""
        return (self._prefix or "")[:LONGEST_PREFIX]

    def recorded(self, run: Followed, status: str) -> None:
        """Somebody else recorded this status of a followed run."""
        self._move(run, status)
        if has_ended(status):
            self._drop(run)

    def add_ended(self, created_s: Iterable[float], usual_s: float | None) -> None:
        """Runs that had ended before: their creation times, and how long they usually lasted."""
        # In order, so that what a list of ended runs holds can be counted by bisection.
        self._ended_s = sorted([*self._ended_s, *created_s])
        if usual_s is not None:
            self.rhythm.learn(usual_s)

    def begin(self) -> None:
        """A look begins: runs added while it lasts are none of its business."""
        self._unseen = dict(self.active)

    @property
    def unseen(self) -> int:
        """Runs that this look has not shown yet."""
        return len(self._unseen)

    @property
    def waiting(self) -> int:
        """Runs that were PENDING when last heard of, and that this look has not shown yet."""
        return sum(run.status == PENDING for run in self._unseen.values())

    def still_waiting(self) -> None:
        """The service has as many PENDING runs as are ``waiting``: nothing is new about them."""
        self._unseen = {run_id: run for run_id, run in self._unseen.items() if run.status != PENDING}

    @property
    def listed_statuses(self) -> tuple[str, ...]:
        """The statuses to list."""
        return (*ACTIVE, *sorted(self.odd_statuses)) if self.lists_odd else ACTIVE

    @property
    def created_after_s(self) -> float | None:
        """The creation of the oldest followed run; None if one of them is not known."""
        oldest = None
        for run in self.active.values():
            if run.created_s is None:
                return None
            oldest = run.created_s if oldest is None or run.created_s < oldest else oldest
        return None if oldest is None else oldest - CREATED_MARGIN_S

    def saw(self, seen: RunSummary, now_s: float) -> Change | None:
        """A list or an answer showed a run. Returns what changed, if it is a followed run and something did."""
        run = self.active.get(seen.id)
        if run is None:
            return None
        self._unseen.pop(seen.id, None)
        self.is_key_proven = True
        # It exists after all, whatever the answers by id said before.
        run.misses, run.due_s = 0, now_s
        run.created_s = epoch_seconds(seen.create_time or "") or run.created_s
        run.started_s = epoch_seconds(seen.start_time or "") or None
        run.runtime = run.runtime or runtime_of(seen)
        if run.app_id is None and seen.status != PENDING:  # one that waits has none yet
            app = self._app_of(seen)
            run.app_id = app.id if app is not None else None
        change = change_of(run, seen, self._app_of)
        if change is not None:
            self._changed(run, change, now_s)
        return change

    def found(self, seen: RunSummary, now_s: float) -> Change | None:
        """As ``saw``, for an answer by id: a run that lists do not show is asked for again after a while."""
        self.has_found = True
        change = self.saw(seen, now_s)  # takes it for listed, and due at once: corrected below
        if (run := self.active.get(seen.id)) is not None:
            run.due_s = now_s + RECHECK_S
        return change

    def look_ups(self, now_s: float, *, may_ask: bool = True, most: int | None = None) -> LookUps:
        """How to look up what this look did not show, the longest overdue first if there may be at most ``most``."""
        due = [run for run in self._unseen.values() if run.due_s <= now_s]
        if most is not None and len(due) > most:
            due = sorted(due, key=lambda run: run.due_s)[:most]
        return plan_look_ups(due, self._ended_s, may_ask=may_ask)

    def still_unseen(self, runs: Iterable[Followed]) -> list[Followed]:
        return [run for run in runs if run.run_id in self._unseen]

    def missed(self, run: Followed, listed: Sequence[RunSummary] | None, now_s: float) -> Change | None:
        """The service says that it does not know a run; ``listed`` are all runs of its name, None if they are not known.

        It is believed when it says so again after a while, a complete list of the name does not show the run either, and the
        key is the right one: another organization's key knows none of the runs.
        """
        if listed is not None and any(seen.id == run.run_id for seen in listed):
            run.due_s = now_s + RECHECK_S
            return None
        run.missed_s = run.missed_s if run.misses else now_s
        run.misses += 1
        run.due_s = now_s + GONE_AGAIN_S
        needed = GONE_MISSES if listed is not None else UNLISTED_MISSES
        is_sure = self.is_key_proven and (listed is not None or self.has_found)
        if run.misses < needed or now_s - run.missed_s < GONE_AGAIN_S or not is_sure:
            return None
        change = gone_change(run)
        self._changed(run, change, now_s)
        return change

    def _changed(self, run: Followed, change: Change, now_s: float) -> None:
        self._move(run, change.status)
        self.rhythm.changed(now_s)
        if has_ended(change.status):
            self._drop(run)
            if change.lasted_s is not None:
                self.rhythm.learn(change.lasted_s)
            if change.ran_s is not None and change.status != CANCELLED:
                self.durations.learn(change.runtime, change.ran_s)
        elif change.status not in ACTIVE:
            # From now on the lists ask for it: a filter by the known statuses would leave the run out.
            self.odd_statuses.add(change.status)

    def _move(self, run: Followed, status: str) -> None:
        self.statuses[run.status or CREATED] -= 1
        self.statuses[status] += 1
        run.status = status

    def _drop(self, run: Followed) -> None:
        self.active.pop(run.run_id, None)
        self._unseen.pop(run.run_id, None)
        if run.created_s is not None:
            insort(self._ended_s, run.created_s)
