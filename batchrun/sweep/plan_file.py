"""A plan file: what ``batchrun plan -o`` wrote, read as a stream and checked line by line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from batchrun.sweep.local_file import LocalFile
from batchrun.sweep.manifest.problems import Cursor, Problems
from batchrun.sweep.manifest.tables import CostTable, SubmitTable
from batchrun.sweep.points.files import PlanFile
from batchrun.sweep.runs import PlannedRun
from batchrun.wherobots.identity import canonical_json, run_key
from batchrun.wherobots.payload import CreateRunPayload

__all__ = ["PLAN_FILE_FIX", "Header", "PlanLines", "read_header"]

MAX_REPORTED = 20
PLAN_FILE_FIX = "write it again with batchrun plan -o"


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a plan file."""

    name: str
    runs: int
    submit: SubmitTable
    cost: CostTable
    file: PlanFile
    local_files: tuple[LocalFile, ...]


@dataclass(frozen=True, slots=True)
class PlanLines:
    """The runs of a plan file, read again on each iteration."""

    path: Path

    def __iter__(self) -> Iterator[PlannedRun]:
        """The runs up to the first bad line.

        Raises:
            ManifestError: lines are bad; it carries the first twenty.

        """
        problems = Problems()
        with self.path.open("rb") as file:
            next(file, None)  # the header, which read_header checks
            for number, line in enumerate(file, 2):
                run = _run(line, number - 2, problems.at(f"{self.path}:{number}"))
                if run is not None and not problems:
                    yield run
                if problems.count >= MAX_REPORTED:
                    break
        problems.check()


def read_header(path: Path) -> Header:
    """The first line of a plan file.

    Raises:
        ManifestError: it cannot be read, or is not a plan.

    """
    problems = Problems()
    try:
        # Hashed as a stream: a plan may have millions of lines.
        with path.open("rb") as file:
            first = file.readline()
            digest = sha256(first)
            for line in file:
                digest.update(line)
    except OSError as error:
        problems.at(str(path)).fail(f"cannot be read: {error.strerror}", "give the path of a plan")
    at = problems.at(f"{path}:1")
    try:
        header: dict[str, Any] = json.loads(first)
        submit = SubmitTable.model_validate(header.get("submit", {}))
        cost = CostTable.model_validate(header.get("cost", {}))
        version, name, runs = header["batchrun_plan"], str(header["name"]), int(header["runs"])
        local_files = tuple(_local_file(**entry) for entry in header.get("uploads", []))
    except (ValueError, KeyError, TypeError, AttributeError):
        at.fail("not the first line of a plan", PLAN_FILE_FIX)
    if version != 1:
        at.fail(f"a plan of version {version}", PLAN_FILE_FIX)
    return Header(name, runs, submit, cost, PlanFile(path.name, digest.hexdigest()), local_files)


def _local_file(path: str, sha256: str, size: int) -> LocalFile:
    return LocalFile(path=str(path), source=Path(path), sha256=str(sha256), size=int(size))


def _run(line: bytes, index: int, at: Cursor) -> PlannedRun | None:
    try:
        document = json.loads(line)
        body = canonical_json(document["payload"])
        region = document["region"]
        payload = CreateRunPayload.model_validate_json(body)
        point = canonical_json(document.get("point", {}))
        key = document["key"]
    except ValidationError as error:
        one = error.errors()[0]
        at.add(f"payload.{'.'.join(map(str, one['loc']))}: {one['msg']}", "fix the payload")
        return None
    except (ValueError, KeyError, TypeError) as error:
        at.add(f"not a planned run: {error}", PLAN_FILE_FIX)
        return None
    if not isinstance(region, str) or not region:
        at.add("no region", PLAN_FILE_FIX)
        return None
    # A plan file never holds secrets; where the manifest needs some, only the manifest can be submitted.
    if b"<env." in body:
        at.add("the payload contains an unresolved <env.NAME>", "submit the manifest itself")
        return None
    # An edited payload under its old key would make a resume mistake it for the run that it was.
    if key != run_key(region, body):
        at.add("the key does not match the payload", PLAN_FILE_FIX)
        return None
    return PlannedRun(index, key, payload.name, region, body, point)
