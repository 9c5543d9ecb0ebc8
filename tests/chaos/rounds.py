"""One round of chaos: a batch under a service that misbehaves, killed again and again, and then compared."""

import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from batchrun.ledger.fold import BatchState, Outcome
from batchrun.ledger.reader import read_state
from tests.chaos import audit
from tests.chaos.figures import Figures
from tests.chaos.processes import PATIENCE_S, ending, run_process
from tests.chaos.reports import Seen, check_findings, expected, report, verify_findings
from tests.chaos.service import Service, misbehaviour
from tests.chaos.world import World

__all__ = ["SWEEP", "ChaosError", "Figures", "play"]

HERE = Path(__file__).parent
SWEEP = """\
version = 1

[run]
name    = "chaos-run-{{{{tile}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/tile.py"
args    = ["--tile", "{{{{tile}}}}"]

[axes]
tile = {{ from = 1, to = {runs} }}

[submit]
max_points = 100000
"""
"""A sweep without files and environment, for tests that need no neighbours."""

STARTS_AT_MOST = 14
KILLS_AT_MOST = 3
LATEST_COMMIT_S = 3.5
"""A request's timeout and the latest commit after it, which must be seen as well."""
GAVE_UP = 3
"""The exit status of a command that could not read its lists."""
LIST_FAULTS = ("list_error", "list_repeats", "list_ends_early")


class ChaosError(AssertionError):
    """The ledger and the service do not agree; says the seed that repeats the round."""


NEIGHBOURS = ("extent", "extent", "token", "column", "stale", "key", "delete")
SERVICES = ("lists", "rewrites", "late", "strangers", "clock")
KEYS = {"chaos-key": "acme", "other-key": "globex"}


def play(
    seed: int,
    service: Service,
    folder: Path,
    *,
    runs: int,
    weakness: str = "",
    only: Collection[str] | None = None,
) -> Figures:
    """Carry one batch out, whatever happens; ``only`` names the neighbours that take part, by default the seed's choice.

    Raises:
        ChaosError: a run was lost or made twice, or an outcome is untrue.

    """
    return Round(seed, service, folder, runs=runs, weakness=weakness, only=only).play()


class Round:
    """One batch, its service and its neighbours; every choice is the seed's."""

    def __init__(
        self, seed: int, service: Service, folder: Path, *, runs: int, weakness: str, only: Collection[str] | None
    ) -> None:
        self.seed = seed
        self.service = service
        self.chance = random.Random(seed)
        self.figures = Figures(rounds=1, runs=runs)
        self.world = World(folder, runs)
        self.weakness = weakness
        self.only = only
        self.neighbours = self._chosen()
        self.extra: list[str] = []
        self.strangers: set[str] = set()

    def _chosen(self) -> list[str]:
        if self.only is not None:
            return [name for name in (*NEIGHBOURS, *SERVICES, "short") if name in self.only]
        chosen = self.chance.sample(NEIGHBOURS, self.chance.randint(0, 3))
        return chosen + [name for name in SERVICES if self.chance.random() < 0.25]

    def play(self) -> Figures:
        chance, figures, service, world = self.chance, self.figures, self.service, self.world
        service.call("reset", method="POST")
        misbehaves = self._service()
        if "strangers" in self.neighbours:
            service.call(
                "config", method="PUT", body={"organizations": KEYS, "faults": dict.fromkeys(misbehaves["faults"], 0)}
            )
            self._create_strangers()
        service.call("config", method="PUT", body=misbehaves)
        figures.neighbours += Counter(self.neighbours)
        if "strangers" in self.neighbours:
            self._strangers()
        steps = ["kill"] * chance.randint(0, KILLS_AT_MOST - 1)
        steps += [name for name in self.neighbours if name in NEIGHBOURS]
        chance.shuffle(steps)
        for step in ["kill", *steps]:
            if step == "kill" or not world.is_begun():
                self._killed()
            else:
                getattr(self, f"_{step}")()
        self._to_the_end()
        state = self._compare(is_over=True)
        self._compare_reports(state)
        figures.faults = service.faults()
        figures.attempts, figures.settled = state.attempts, state.settled
        figures.outcomes = Counter({str(one): state.count(one) for one in Outcome if state.count(one)})
        return figures

    def _service(self) -> dict[str, Any]:
        chance, neighbours = self.chance, self.neighbours
        table = misbehaviour(chance) | {"organizations": KEYS, "organization_status": 200, "list_max_items": None}
        lists = "lists" in neighbours
        for fault, most in {"list_error": 0.2, "list_repeats": 0.1, "list_ends_early": 0.5}.items():
            table["faults"][fault] = round(most * (0.5 + chance.random() / 2), 3) if lists else 0
        late = "late" in neighbours
        table["late_commit_s"] = chance.uniform(1.2, 2.2) if late else 0.3
        table["late_commit_response"] = chance.choice(["none", "error", "reset", "mixed"]) if late else "none"
        table["faults"]["late_commit"] = 0.02 if late else table["faults"]["late_commit"]
        rewrites = ["mask_argument", "sort_lists", "uppercase_runtime", "drop_empty"]
        table["payload_rewrites"] = chance.sample(rewrites, 2) if "rewrites" in neighbours else []
        table["payload_rewrite_rate"] = 0.5
        if (
            "short" in neighbours
        ):  # no list proves anything, so such a batch cannot end: only a weakened one sends again
            table |= {"list_max_items": 3, "list_name_match": "substring"}
        return table

    def _killed(self) -> None:
        self.figures.kills[self._run(ending(self.chance))] += 1
        self._look()

    def _look(self) -> None:
        if self.world.is_begun():
            self._compare(is_over=False)
        elif held := self._held():
            raise self._error(f"lost: {len(held)} runs exist, and the ledger has no whole line")

    def _expect_refusal(self, what: str, **how: Any) -> None:
        """The command must end with status 4; what may exist may be looked for, and nothing may be sent."""
        before, kept = self._attempts(), self._honest_lists()  # with lists that prove nothing, looking takes minutes
        status = self._run({"wait_s": PATIENCE_S}, **how)
        self.service.call("config", method="PUT", body={"faults": kept})
        sent = self._attempts() - before
        self.figures.reported[f"refused: {what}"] += 1
        if status != "4" or sent:
            raise self._error(f"{what}: exit status {status} instead of 4, with {sent} attempts")

    def _attempts(self) -> int:
        """Attempts in the ledger."""
        return read_state(self.world.ledger).attempts if self.world.is_begun() else 0

    def _extent(self) -> None:
        """Another part of the sweep, in another order; at the end of the round it is whole again."""
        self.world.take(self.chance.choice([0.3, 0.6, 1]), self.chance)
        self._change()

    def _token(self) -> None:
        self.world.token = f"token-{self.chance.randrange(10**6)}"
        self._change()

    def _change(self) -> None:
        if self.world.has_changed() and self.chance.random() < 0.5:
            self._expect_refusal("changed sweep", words=["submit", "chaos.toml", "--yes"])
        self._killed()

    def _column(self) -> None:
        """Every payload changes: what exists would be created again, so even --extend is refused; then it is undone."""
        if not read_state(self.world.ledger).has_runs:
            return
        self.world.zone = "b"
        self.world.save()
        self._expect_refusal("changed payloads", words=["submit", "chaos.toml", "--yes", "--extend"])
        self.world.zone = "a"
        self.world.save()

    def _key(self) -> None:
        if read_state(self.world.ledger).organization is None:
            return
        hidden = self.chance.random() < 0.3 and "delete" not in self.neighbours
        if hidden and read_state(self.world.ledger).counts[Outcome.SUBMITTED]:
            self.service.call("config", method="PUT", body={"organization_status": 403})
        if not self._is_finished():
            self._expect_refusal("another key", key="other-key")
        self.service.call("config", method="PUT", body={"organization_status": 200})

    def _is_finished(self) -> bool:
        """Nothing would be asked of the service, so nothing can be refused."""
        state = read_state(self.world.ledger)
        planned = self.world.plan()
        return not any(state.outcome(run.key) in {Outcome.PENDING, Outcome.UNKNOWN} for run in planned)

    def _delete(self) -> None:
        body = {"share": round(self.chance.uniform(0.02, 0.2), 3)}
        self.service.call("delete", method="POST", body=body)
        self._look()

    def _stale(self) -> None:
        """A copy of the ledger is put back after the original was gone on with."""
        world = self.world
        copy = world.folder / "copy.jsonl"
        shutil.copyfile(world.ledger, copy)
        self._killed()
        newer = world.folder / "newer.jsonl"
        shutil.copyfile(world.ledger, newer)
        shutil.copyfile(copy, world.ledger)
        time.sleep(0.5)  # a lagging list, and commits of killed requests
        if not self._copy_must_be_noticed():
            shutil.copyfile(newer, world.ledger)
            return
        self._expect_refusal("stale ledger")
        kept = self._honest_lists()
        match self.chance.choice(["restore", "restore", "--adopt-existing", "--not-ours"]):
            case "restore":
                shutil.copyfile(newer, world.ledger)
            case flag:
                self.figures.reported[f"went on with {flag}"] += 1
                self.extra = [flag]
                self._run({"wait_s": PATIENCE_S})
                self.extra = []
                self._compare(is_over=False)
        self.service.call("config", method="PUT", body={"faults": kept})

    def _copy_must_be_noticed(self) -> bool:
        """Whether the service holds a planned run that the copy has no attempt of."""
        state = read_state(self.world.ledger)
        names = {run.name for run in self.world.plan() if run.key not in state.runs}
        held = [one for one in self._held() if one["deletedAt"] is None and one["id"] not in state.foreign]
        return any(one["name"] in names for one in held)

    def _create_strangers(self) -> None:
        for number in range(1, self.world.runs + 1, 2):
            body = {"name": f"chaos-run-{number}", "runtime": "tiny", "runPython": {"uri": "s3://acme/other.py"}}
            self.strangers.add(self.service.create(body))
        time.sleep(0.5)

    def _strangers(self) -> None:
        """Another batch's runs have some of the names already; this one creates its own."""
        if "lists" not in self.neighbours:
            self._expect_refusal("names exist already")
        self.service.call("config", method="PUT", body={"faults": {"list_error": 0, "list_ends_early": 0}})
        while not self._attempts() and self.figures.starts < STARTS_AT_MOST:
            spec = {"signal": "KILL", "after_s": 1 + self.chance.random()}
            self.figures.kills[self._run(spec, words=["submit", "chaos.toml", "--yes", "--again"])] += 1
        self._look()

    def _to_the_end(self) -> None:
        world, figures = self.world, self.figures
        if len(world.rows) < world.runs and self.chance.random() < 0.8:
            world.take(1, self.chance)
        status = ""
        while status not in {"0", "1"} and figures.starts < STARTS_AT_MOST + len(self.neighbours):
            status = self._run({"wait_s": PATIENCE_S})
            if status == "SIGKILL":  # nonsense in Retry-After may mean an hour
                figures.kills["SIGKILL in a long wait"] += 1
                self.service.call("config", method="PUT", body={"retry_after": "fraction"})
            if status == "4":
                if "late" not in self.neighbours:
                    raise self._error("refused: exit status 4 of a ledger that is sound")
                figures.reported["late commit noticed by preflight"] += 1
                self.extra = ["--not-ours"]
        self.extra = []

    def _run(self, spec: dict[str, Any], *, words: list[str] | None = None, key: str = "chaos-key") -> str:
        """Run the command once; the way it was ended, or its exit status."""
        world, chance = self.world, self.chance
        changed = world.has_changed()
        may_resume = world.is_begun() and not changed
        flag = chance.random()
        if words is None:
            resumes = may_resume and flag < 0.5
            words = ["resume", str(world.ledger)] if resumes else ["submit", "chaos.toml", "--yes"]
            words += ["--extend"] if changed else []
        if "clock" in self.neighbours:
            spec = spec | {"shift_s": chance.uniform(-900, 900), "jump_s": chance.uniform(-900, 900)}
            spec["jump_after_s"] = chance.uniform(0, 2)
        rate = f"{world.runs / chance.uniform(0.5, 2):.0f}"
        flags = ["--base-url", self.service.url, "--rate", rate, "--concurrency", "32", "--timeout", "1s"]
        flags += ["--settle-after", "1s", "--max-attempts", "20", "--quiet", *self.extra]
        spec = spec | {"weaken": self.weakness}
        command = [sys.executable, str(HERE / "victim.py"), json.dumps(spec), *words, *flags]
        environ = self._environ(key)
        self.figures.starts += 1
        return run_process(spec, command, world.ledger, environ)

    def _held(self) -> list[dict[str, Any]]:
        """The runs at the service that the harness did not create for another batch."""
        return [one for one in self.service.held() if one["id"] not in self.strangers]

    def _honest_lists(self) -> dict[str, float]:
        """Lists without faults from now on; the faults that they had."""
        faults = json.loads(self.service.call("config"))["faults"]
        self.service.call("config", method="PUT", body={"faults": dict.fromkeys(LIST_FAULTS, 0)})
        return {name: faults[name] for name in LIST_FAULTS}

    def _compare(self, *, is_over: bool) -> BatchState:
        if not self.world.is_begun():
            raise self._error("unfinished: the batch never began")
        late = "late" in self.neighbours
        time.sleep((LATEST_COMMIT_S if late else 0.8) if is_over else 0.05)
        allowed = audit.Allowed(odd="rewrites" in self.neighbours, late=late)
        world, held = self.world, self._held()
        state, found = audit.read(world.ledger, world.whole, world.plan(), held, is_over=is_over, allowed=allowed)
        self._raise_if(found)
        return state

    def _compare_reports(self, state: BatchState) -> None:
        """`verify` and `ledger check` must see what the audit sees: with lists that have faults, or say that they cannot."""
        held, ledger, environ = self._held(), str(self.world.ledger), self._environ("chaos-key")
        by_name = audit.held_by_name(held, state)
        seen = expected(state, {run.key: run.name for run in self.world.whole}, by_name)
        verify = ["verify", ledger, "--base-url", self.service.url, "--rate", "500"]
        is_odd, found = "rewrites" in self.neighbours, list[str]()
        if "lists" in self.neighbours:
            status, said = report(verify, environ)
            if status != GAVE_UP:
                found += verify_findings(status, said, seen, state, is_odd=is_odd)
            self._honest_lists()
        status, said = report(verify, environ)
        found += [f"verify: not checked: {doubt}" for doubt in said.get("not_checked", ())]
        found += verify_findings(status, said, seen, state, is_odd=is_odd)
        found += check_findings(*report(["ledger", "check", ledger], environ), state)
        self._raise_if(found)
        self._count(seen, by_name)

    def _count(self, seen: Seen, held: audit.Held) -> None:
        figures, kinds = self.figures, Counter(kind for kind, _ in seen)
        figures.created = sum(map(len, held.values()))
        figures.twice, figures.missing = kinds["twice"] + kinds["foreign"], kinds["missing"]
        figures.unknown = sum(bool(ids) for (kind, _), ids in seen.items() if kind == "unknown")
        figures.seen = figures.twice + figures.missing + figures.unknown

    def _raise_if(self, found: list[str]) -> None:
        if found:
            raise self._error(f"{len(found)} findings\n  " + "\n  ".join(found[:10]))

    def _environ(self, key: str) -> dict[str, str]:
        return self.world.environ() | {"WHEROBOTS_API_KEY": key, "PYTHONPATH": str(HERE.parents[1])}

    def _error(self, fact: str) -> ChaosError:
        only = f" --only {','.join(self.only)}" if self.only is not None else ""
        weaken = f" --weaken {self.weakness}" if self.weakness else ""
        log = (self.world.folder / "chaos.log").read_text(errors="replace").splitlines()[-6:]
        repeat = f"python -m tests.chaos.soak --seed {self.seed} --runs {self.world.runs}{only}{weaken}"
        shown = "".join(f"\n  | {line[:300]}" for line in log)
        if kept := os.environ.get("CHAOS_KEEP"):
            shutil.copytree(self.world.folder, Path(kept) / str(self.seed), dirs_exist_ok=True)
            held = Path(kept) / str(self.seed) / "held.jsonl"
            held.write_bytes(self.service.call("runs"))
        return ChaosError(f"seed {self.seed} {self.neighbours}: {fact}\n  repeat: {repeat}{shown}")
