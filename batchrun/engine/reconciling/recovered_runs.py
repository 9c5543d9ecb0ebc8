"""Match listed runs to a plan without a ledger: exactly one must match, otherwise a person decides. Pure."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from typing_extensions import override

from batchrun.engine.evidence import MARGIN_S, Fit, Sought, fit
from batchrun.engine.rerun_names import next_rerun_name, rerun_name, rerun_of
from batchrun.engine.tagging import tag_of
from batchrun.ledger.clock import epoch_seconds
from batchrun.sweep.plan import PlannedRun
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Claim", "Listed", "RecoveredRuns"]

MOST_OF_A_NAME = 20
"""Runs of one name that are kept: more of them change nothing."""
SHOWN_IDS = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """What is kept of a listed run: its payload is compared at once."""

    run_id: str
    name: str
    status: str | None
    created_s: float
    fit: Fit
    tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the list says about one planned run."""

    planned: PlannedRun
    runs: tuple[Listed, ...] = ()
    """Its runs, by generation, as far as there is no doubt about them; more than one if it was rerun."""
    generation: int = 1
    """The latest that is listed."""
    name: str
    """Of the latest generation."""
    doubt: str = ""
    """Why that is not adopted, or one before it; empty if there is no doubt."""
    doubtful_ids: tuple[str, ...] = ()


class RecoveredRuns(Collection[str]):
    """The planned names, and what was listed under each; names of reruns belong to it too."""

    def __init__(self, plan: Iterable[PlannedRun], *, since_s: float | None) -> None:
        self._planned = {run.name: run for run in plan}
        self._by_key = {run.key: run for run in self._planned.values()}
        self._since_s = since_s
        self._listed: dict[str, dict[tuple[int, str], Listed]] = {}
        self._name_of: dict[str, str] = {}
        self._shared_ids: set[str] = set()
        self.older = 0
        """Runs of planned names that were created before ``since_s``."""

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._place(name) is not None

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._planned)

    @override
    def __len__(self) -> int:
        return len(self._planned)

    @property
    def is_empty(self) -> bool:
        return not self._listed

    def take(self, listed: RunSummary) -> None:
        """See a listed run; one that is seen again changes nothing."""
        place = self._place(listed.name or "")
        if place is None:
            return
        planned, generation = place
        if self._name_of.setdefault(listed.id, listed.name or "") != listed.name:
            # The list contradicts itself: nobody knows which of the names it is, so none of them adopts it.
            self._shared_ids.add(listed.id)
        how = self._fit(listed, planned, generation)
        if how is Fit.FOREIGN:
            self.older += 1
            return
        runs = self._listed.setdefault(planned.name, {})
        if len(runs) < MOST_OF_A_NAME:
            created_s = epoch_seconds(listed.create_time or "")
            runs[generation, listed.id] = Listed(
                listed.id, listed.name or "", listed.status, created_s, how, tag_of(listed)
            )

    def _fit(self, listed: RunSummary, planned: PlannedRun, generation: int) -> Fit:
        """A rerun may have other settings, so only its name can be compared."""
        sought = Sought(
            name=listed.name or "",
            created_from_s=self._since_s if self._since_s is not None else -MARGIN_S,
            body=(planned.keyed_body or planned.body) if generation == 1 else None,
        )
        how = fit(listed, sought, is_taken=lambda _: False)
        if how is Fit.OURS and self._since_s is not None and not epoch_seconds(listed.create_time or ""):
            return Fit.ODD  # nobody knows when it was created
        return how

    def _place(self, name: str) -> tuple[PlannedRun, int] | None:
        """The planned run of a name, and its generation. A planned name that looks like a rerun's is itself."""
        if (planned := self._planned.get(name)) is not None:
            return planned, 1
        return rerun_of(name, self._planned.get, self._by_key.get)

    def next_name(self, name: str) -> str | None:
        """What the next run of a planned run would be called, if it was rerun."""
        planned = self._planned.get(name)
        return rerun_name(name, planned.key, 2, self._planned) if planned is not None else next_rerun_name(name)

    def missing(self) -> frozenset[str]:
        """The planned names under which nothing was listed."""
        return frozenset(name for name in self._planned if name not in self._listed)

    def claims(self, incomplete: Collection[str]) -> Iterator[Claim]:
        """What the list says about each planned run that it shows, or that it may show without having been complete."""
        for name, planned in self._planned.items():
            if runs := self._listed.get(name):
                yield self._claim(planned, runs)
            elif name in incomplete:
                yield Claim(planned=planned, name=name, doubt="it may exist, but the list of its name is incomplete")

    def _claim(self, planned: PlannedRun, listed: dict[tuple[int, str], Listed]) -> Claim:
        """A generation is adopted only after the one before it: what follows a doubtful one is doubtful, too."""
        taken: list[Listed] = []
        doubt, doubtful = "", list[Listed]()
        for generation in sorted({generation for generation, _ in listed}):
            runs = [run for (its, _), run in listed.items() if its == generation]
            ours = [run for run in runs if run.fit is Fit.OURS and run.run_id not in self._shared_ids]
            name = runs[0].name
            if not doubt and generation != len(taken) + 1:
                doubt, doubtful = _doubt(runs, "a rerun is listed, but the run before it is not"), runs
            elif not doubt and len(ours) != 1:
                doubtful = ours or runs
                doubt = _doubt(doubtful, self._why(ours, runs))
            elif doubt:
                doubt, doubtful = f"{doubt}; rerun as {_doubt(runs, name)}", doubtful + runs
            else:
                taken += ours
        ids = tuple(run.run_id[:40] for run in _oldest_first(doubtful))
        return Claim(
            planned=planned, runs=tuple(taken), generation=generation, name=name, doubt=doubt, doubtful_ids=ids
        )

    def _why(self, ours: list[Listed], runs: list[Listed]) -> str:
        if len(ours) > 1:
            return "more than one run matches"
        if any(run.run_id in self._shared_ids for run in runs):
            return "its id is listed under several names"
        return "the payload differs"


def _doubt(runs: Iterable[Listed], why: str) -> str:
    return f"{why}: {', '.join(run.run_id[:40] for run in _oldest_first(runs)[:SHOWN_IDS])}"


def _oldest_first(runs: Iterable[Listed]) -> list[Listed]:
    return sorted(runs, key=lambda run: run.created_s)
