"""Check that the files a run refers to exist."""

from collections.abc import Iterator

from batchrun.emulator.error_bodies import ErrorDetail
from batchrun.emulator.runs.files import FileStore, is_managed
from batchrun.wherobots.payload import CreateRunPayload, FileDependency
from batchrun.wherobots.views import ErrorClass

__all__ = ["unusable_uris"]


def unusable_uris(payload: CreateRunPayload, files: FileStore, organization: str, region: str) -> list[ErrorDetail]:
    """One error for each file that is not a URI, or lies in this storage and was never uploaded to the run's region.

    Files elsewhere are not looked for: the emulator has no access to other buckets.
    """
    errors = []
    for field, uri in _uris(payload):
        if "://" not in uri:
            errors.append(_error(field, f"{uri!r} is not a URI"))
        elif is_managed(uri) and not files.is_uploaded(uri, organization, region):
            errors.append(_error(field, f"{uri!r} was not uploaded to {region}"))
    return errors


def _uris(payload: CreateRunPayload) -> Iterator[tuple[str, str]]:
    """The place and URI of the script and of each file it depends on."""
    if payload.run_python is not None:
        yield "runPython.uri", payload.run_python.uri
    if payload.run_jar is not None:
        yield "runJar.uri", payload.run_jar.uri
    for position, dependency in enumerate(payload.environment.dependencies):
        if isinstance(dependency, FileDependency):
            yield f"environment.dependencies.{position}.filePath", dependency.file_path


def _error(field: str, message: str) -> ErrorDetail:
    return ErrorDetail(
        code=ErrorClass.INVALID_INPUT_ERROR,
        message=message,
        path=f"body.{field}",
        field=field.rpartition(".")[2],
        suggestion="Upload the file first.",
    )
