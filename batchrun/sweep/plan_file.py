"""A plan file: what ``batchrun plan -o`` wrote, read as a stream and checked line by line."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from batchrun.errors import PlanChangedError
from batchrun.files import LONGEST_LINE_BYTES, as_text, open_regular
from batchrun.sweep.local_file import LocalFile
from batchrun.sweep.manifest.problems import Cursor, Problems
from batchrun.sweep.manifest.tables import CostTable, SubmitTable
from batchrun.sweep.points.files import PlanFile
from batchrun.sweep.runs import PlannedRun
from batchrun.wherobots.identity import canonical_json, run_key
from batchrun.wherobots.payload import CreateRunPayload

__all__ = ["PLAN_FILE_FIX", "Header", "PlanLines", "read_header"]

MAX_REPORTED = 20
BLOCK_BYTES = 1 << 20
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
    identity: "Identity"


Identity = tuple[int, int, int, int]
"""Which file it is, how long it is and when it was written last."""


@dataclass(frozen=True, slots=True)
class PlanLines:
    """The runs of a plan file, read again on each iteration; an error as soon as it is not the file that was read first."""

    path: Path
    identity: Identity

    def __iter__(self) -> Iterator[PlannedRun]:
        """The runs up to the first bad line.

        Raises:
            ManifestError: lines are bad; it carries the first twenty.
            PlanChangedError: the file was replaced, or written to.

        """
        problems = Problems()
        for number, line in enumerate(self._lines(), 1):
            if number == 1:
                continue  # the header, which read_header checks
            run = _run(line, number - 2, problems.at(f"{self.path}:{number}"))
            if run is not None and not problems:
                yield run
            if problems.count >= MAX_REPORTED:
                break
        problems.check()

    def _lines(self) -> Iterator[bytes]:
        """The lines, of which none is handed out before it is known that the file is still the same."""
        try:
            with open_regular(self.path) as file:
                self._check(file)
                while block := _block(file):
                    self._check(file)
                    yield from block
        except OSError as error:
            raise self._changed(f"can no longer be read: {error.strerror}") from error

    def _check(self, file: BinaryIO) -> None:
        if _identity(file) != self.identity:
            raise self._changed("changed while it was in use")

    def _changed(self, fact: str) -> PlanChangedError:
        return PlanChangedError(str(self.path), f"the plan file {fact}", "restore it, then resume")


def _block(file: BinaryIO) -> list[bytes]:
    """Some lines; ``readlines`` would read a line without an end into memory."""
    lines: list[bytes] = []
    size = 0
    while size < BLOCK_BYTES and (line := file.readline(LONGEST_LINE_BYTES)):
        lines.append(line)
        size += len(line)
    return lines


def _identity(file: BinaryIO) -> Identity:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def read_header(path: Path) -> Header:
    """The first line of a plan file.

    Raises:
        ManifestError: it cannot be read, or is not a plan.

    """
    problems = Problems()
    try:
        # Hashed as a stream: a plan may have millions of lines.
        with open_regular(path) as file:
            identity = _identity(file)
            first = file.readline(LONGEST_LINE_BYTES)
            digest = sha256(first)
            while piece := file.read(BLOCK_BYTES):
                digest.update(piece)
    except OSError as error:
        problems.at(str(path)).fail(f"cannot be read: {error.strerror}", "pass the path of a plan")
    at = problems.at(f"{path}:1")
    try:
        header: dict[str, Any] = json.loads(first)
        submit = SubmitTable.model_validate(header.get("submit", {}))
        cost = CostTable.model_validate(header.get("cost", {}))
        version, name, runs = header["batchrun_plan"], str(header["name"]), int(header["runs"])
        local_files = tuple(_local_file(**entry) for entry in header.get("uploads", []))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        at.fail("not the first line of a plan", PLAN_FILE_FIX)
    if version != 1:
        at.fail(f"plan version {version} is not supported", PLAN_FILE_FIX)
    return Header(name, runs, submit, cost, PlanFile(as_text(path.name), digest.hexdigest()), local_files, identity)


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
    except (ValueError, KeyError, TypeError, RecursionError) as error:
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
