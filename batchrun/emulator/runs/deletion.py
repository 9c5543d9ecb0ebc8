"""Which runs a call of ``POST /_emulator/delete`` deletes."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.listing import name_predicate
from batchrun.emulator.schedule import uniform

__all__ = ["Deletion"]


class Deletion(BaseModel):
    """Runs with one of these ids or names, or all runs if neither is given; of those, a share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # a name may contain one *
    share: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _selects_something(self) -> "Deletion":
        # An empty body is far more likely a mistake than a wish to delete everything, which is share = 1.
        if not (self.ids or self.names) and self.share is None:
            raise ValueError("use ids, names or a share")
        return self

    def includes(self, run: StoredRun, seed: int, now: float) -> bool:
        """Whether to delete this run; a run that was deleted before is not deleted again."""
        if run.is_deleted_at(now) or not self._is_candidate(run):
            return False
        return self.share is None or uniform(seed, "delete", run.number) < self.share

    def _is_candidate(self, run: StoredRun) -> bool:
        if not (self.ids or self.names):
            return True
        return run.id in self.ids or any(_matches(name, run.name) for name in self.names)


def _matches(pattern: str, name: str) -> bool:
    predicate = name_predicate(pattern)
    return name == pattern if predicate is None else predicate(name)
