"""A plan file: what ``batchrun plan -o`` wrote, read as a stream and checked line by line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.manifest.tables import SubmitTable
from batchrun.sweep.points.files import PlanFile
from batchrun.sweep.runs import PlannedRun
from batchrun.wherobots.identity import canonical_json, run_key
from batchrun.wherobots.payload import CreateRunPayload

__all__ = ["PLAN_FILE_FIX", "Header", "PlanLines", "read_header"]

MAX_TOLD = 20
PLAN_FILE_FIX = "write it again with batchrun plan -o"


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a plan file."""

    name: str
    runs: int
    submit: SubmitTable
    file: PlanFile


@dataclass(frozen=True, slots=True)
class PlanLines:
    """The runs of a plan file, read anew each time."""

    path: Path

    def __iter__(self) -> Iterator[PlannedRun]:
        """The runs.

        Raises:
            ManifestError: a line is wrong; up to twenty are told.

        """
        problems, told = Problems(), 0
        with self.path.open("rb") as file:
            next(file, None)
            for number, line in enumerate(file, 2):
                run = _run(line, number - 2, f"{self.path}:{number}", problems)
                if run is not None and not told:
                    yield run
                told = problems.count
                if told >= MAX_TOLD:
                    break
        problems.check()


def read_header(path: Path) -> Header:
    """The first line of a plan file.

    Raises:
        ManifestError: it cannot be read, or is no plan.

    """
    problems = Problems()
    try:
        with path.open("rb") as file:
            first = file.readline()
            digest = sha256(first)
            for line in file:
                digest.update(line)
    except OSError as error:
        problems.fail(str(path), f"cannot be read: {error.strerror}", "give the path of a plan")
    try:
        header: dict[str, Any] = json.loads(first)
        submit = SubmitTable.model_validate(header.get("submit", {}))
        version, name, runs = header["batchrun_plan"], str(header["name"]), int(header["runs"])
    except (ValueError, KeyError, TypeError, AttributeError):
        problems.fail(f"{path}:1", "no plan begins like this", PLAN_FILE_FIX)
    if version != 1:
        problems.fail(f"{path}:1", f"a plan of version {version}", PLAN_FILE_FIX)
    return Header(name, runs, submit, PlanFile(path.name, digest.hexdigest()))


def _run(line: bytes, index: int, place: str, problems: Problems) -> PlannedRun | None:
    try:
        document = json.loads(line)
        body = canonical_json(document["payload"])
        region = document["region"]
        payload = CreateRunPayload.model_validate_json(body)
        point = canonical_json(document.get("point", {}))
        key = document["key"]
    except ValidationError as error:
        one = error.errors()[0]
        problems.add(place, f"payload.{'.'.join(map(str, one['loc']))}: {one['msg']}", "mend the payload")
        return None
    except (ValueError, KeyError, TypeError) as error:
        problems.add(place, f"no planned run: {error}", PLAN_FILE_FIX)
        return None
    if not isinstance(region, str) or not region:
        problems.add(place, "no region", PLAN_FILE_FIX)
        return None
    if b"<env." in body or key != run_key(region, body):
        fact = "the payload has unresolved <env.NAME> in it" if b"<env." in body else "the key is not the payload's"
        problems.add(place, fact, "submit the manifest itself" if b"<env." in body else PLAN_FILE_FIX)
        return None
    return PlannedRun(index, key, payload.name, region, body, point)
