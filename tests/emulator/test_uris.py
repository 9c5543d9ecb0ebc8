"""Files that a run refers to, as a strict service checks them."""

import json
from typing import Any

import pytest

from batchrun.emulator.http.payloads import read_payload
from batchrun.emulator.http.uris import unusable_uris
from batchrun.emulator.runs.files import FileStore, Place, StoredFile, destination_of
from batchrun.wherobots.payload import CreateRunPayload

PLACE = Place("acme", "eu", "batchrun/job.py")


@pytest.fixture
def files() -> FileStore:
    store = FileStore(None)
    store.store(StoredFile(place=PLACE, size=1, sha256="0" * 64, modified_at=1.0))
    return store


def payload(**body: Any) -> CreateRunPayload:
    read = read_payload(json.dumps({"runtime": "tiny", "name": "hello-world"} | body).encode())
    assert isinstance(read, CreateRunPayload), read
    return read


def refused(
    files: FileStore, run: CreateRunPayload, *, organization: str = "acme", region: str = "eu"
) -> list[str | None]:
    return [error.path for error in unusable_uris(run, files, organization, region)]


def test_a_file_that_was_uploaded_here_is_usable_by_its_owner_in_its_region(files: FileStore) -> None:
    run = payload(runPython={"uri": destination_of(PLACE)})
    assert refused(files, run) == []
    assert refused(files, run, region="us") == ["body.runPython.uri"]
    assert refused(files, run, organization="other") == ["body.runPython.uri"]


def test_files_elsewhere_are_not_looked_for(files: FileStore) -> None:
    assert refused(files, payload(runJar={"uri": "s3://elsewhere/x.jar", "mainClass": "X"})) == []


def test_every_file_is_checked_and_named(files: FileStore) -> None:
    missing = destination_of(Place("acme", "eu", "batchrun/missing.whl"))
    dependencies = [
        {"sourceType": "PYPI", "libraryName": "h3"},
        {"sourceType": "FILE", "filePath": missing},
        {"sourceType": "FILE", "filePath": "local.whl"},
    ]
    run = payload(runPython={"uri": "./job.py"}, environment={"dependencies": dependencies})
    assert refused(files, run) == [
        "body.runPython.uri",
        "body.environment.dependencies.1.filePath",
        "body.environment.dependencies.2.filePath",
    ]
