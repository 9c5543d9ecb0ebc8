"""The storage endpoints: get an upload URL, list a folder, delete a file."""

from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response

from batchrun.emulator.calls import UPLOADS
from batchrun.emulator.clock import server_time
from batchrun.emulator.error_bodies import ErrorDetail, error_response
from batchrun.emulator.http.models.storage import (
    DirectoryListingResult,
    FileEntry,
    FileEntryType,
    StorageSource,
    StorageSourceType,
    UploadUrlResponse,
)
from batchrun.emulator.http.paths import storage_path, storage_region
from batchrun.emulator.runs.files import FileStore, Place, StoredFile, destination_of
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.runs.views import ORGANIZATION_CREATED
from batchrun.wherobots.views import ErrorClass

__all__ = ["Storage", "add_storage"]

JSON = "application/json"


class Storage:
    """The endpoints, over the files of one store."""

    def __init__(self, store: RunStore, files: FileStore) -> None:
        self._store = store
        self._files = files

    async def list_sources(self, request: Request) -> Response:
        """List storage that the organization can use."""
        organization: str = request.state.organization
        settings = self._store.settings
        regions = (settings.default_region,) if settings.storage_regions is None else settings.storage_regions
        sources = [_source(Place(organization, region, "")) for region in regions]
        body = b"[%s]" % b",".join(source.model_dump_json(by_alias=True).encode() for source in sources)
        return Response(body, media_type=JSON)

    async def get_upload_url(self, request: Request, storage_id: str, path: str) -> Response:
        """Get a URL to upload a file to."""
        del path  # decoded, so its segments can no longer be told apart
        place = self._place(request, storage_id)
        if isinstance(place, Response):
            return place
        if not place.path:
            return _refused(request, 400, ErrorClass.BAD_REQUEST_ERROR, "A file has a name")
        settings = self._store.settings
        token = self._files.issue(place, settings, server_time(settings))
        query = f"X-Amz-Expires={settings.upload_expires_s:g}&X-Amz-Signature={token}"
        url = f"{request.base_url.scheme}://{request.base_url.netloc}{UPLOADS}{token}?{query}"
        answer = UploadUrlResponse(destination=destination_of(place), upload_url=url)
        return Response(answer.model_dump_json(by_alias=True), media_type=JSON)

    async def list_directory(
        self, request: Request, storage_id: str, path: str = "", cursor: str | None = None, limit: int = 0
    ) -> Response:
        """List a folder; without a limit all of it."""
        del path
        place = self._place(request, storage_id)
        if isinstance(place, Response):
            return place
        entries = self._files.folder(place)
        if place.path and not entries:
            return _refused(request, 404, ErrorClass.NOT_FOUND_ERROR, f"No such folder: {place.path!r}")
        names = [name for name in entries if cursor is None or name > cursor]
        page = names[:limit] if limit > 0 else names
        found = DirectoryListingResult(
            items=[_entry(place, name, entries[name]) for name in page],
            path=place.path,
            name=place.path.rpartition("/")[2],
            current_page=cursor,
            next_page=page[-1] if len(page) < len(names) else None,
        )
        return Response(found.model_dump_json(by_alias=True), media_type=JSON)

    async def delete_file(self, request: Request, storage_id: str, path: str) -> Response:
        """Delete a file."""
        del path
        place = self._place(request, storage_id)
        if isinstance(place, Response):
            return place
        if not self._files.remove(place):
            return _refused(request, 404, ErrorClass.NOT_FOUND_ERROR, f"No such file: {place.path!r}")
        return Response(b"null", media_type=JSON)

    def _place(self, request: Request, storage_id: str) -> Place | Response:
        """The place that a request names, or the reason why it is invalid."""
        region, regions = storage_region(storage_id), self._store.settings.storage_regions
        if region is None or (regions is not None and region not in regions):
            return _refused(request, 404, ErrorClass.NOT_FOUND_ERROR, f"No storage {storage_id!r}")
        path = storage_path(request)
        if path is None:
            fact = "A path consists of names, each encoded by itself: not empty, not . or .., without a slash"
            return _refused(request, 400, ErrorClass.BAD_REQUEST_ERROR, fact)
        return Place(request.state.organization, region, path)


def _refused(request: Request, status: int, code: ErrorClass, message: str) -> Response:
    return error_response(status, ErrorDetail(code=code, message=message, path="path.path"), request.state.request_id)


def _source(place: Place) -> StorageSource:
    return StorageSource.model_validate(
        {
            "id": f"user_files::{place.region}",
            "createTime": ORGANIZATION_CREATED,
            "updateTime": ORGANIZATION_CREATED,
            "name": "User files",
            "path": destination_of(place),
            "region": place.region,
            "type": StorageSourceType.MANAGED,
        }
    )


def _entry(folder: Place, name: str, file: StoredFile | None) -> FileEntry:
    path = f"{folder.path}/{name}" if folder.path else name
    if file is None:
        return FileEntry(name=name, path=path, type=FileEntryType.FOLDER)
    modified = datetime.fromtimestamp(file.modified_at, UTC)
    return FileEntry(name=name, path=path, type=FileEntryType.FILE, last_modified=modified, size=file.size)


def add_storage(app: FastAPI, storage: Storage) -> None:
    """Add the routes."""
    for path, endpoint, method, model, operation_id in (
        ("/storage", storage.list_sources, "GET", list[StorageSource], "listIntegration"),
        (
            "/storage/{storage_id}/file-upload-url/{path:path}",
            storage.get_upload_url,
            "POST",
            UploadUrlResponse,
            "getFileUploadUrl",
        ),
        (
            "/storage/{storage_id}/directories/{path:path}",
            storage.list_directory,
            "GET",
            DirectoryListingResult,
            "listDirectory",
        ),
        ("/storage/{storage_id}/files/{path:path}", storage.delete_file, "DELETE", None, "deleteFile"),
    ):
        app.add_api_route(
            path,
            endpoint,
            methods=[method],
            response_model=model,
            operation_id=operation_id,
            tags=["storage"],
        )
