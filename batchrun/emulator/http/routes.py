"""The endpoints of the Runs API."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from typing_extensions import override

from batchrun.emulator.error_bodies import ErrorDetail, error_response
from batchrun.emulator.http.payloads import answered_payload, read_payload
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.listing import RunQuery, list_page, parse_cursor
from batchrun.emulator.runs.logs import log_page
from batchrun.emulator.runs.metrics import RunMetricsResponse, metrics_of
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.runs.views import run_json, run_view
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.payload import CreateRunPayload
from batchrun.wherobots.views import ErrorBody, ErrorClass, LogsResponse, RunPage, RunStatus, RunView

__all__ = ["Runs", "add_runs"]

JSON = "application/json"
MAX_PAGE_SIZE = 100
NAME_FILTER = r"^[a-zA-Z0-9_\-\.]*\*?[a-zA-Z0-9_\-\.]*$"
ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "Bad Request"},
    401: {"model": ErrorBody, "description": "Unauthorized"},
    403: {"model": ErrorBody, "description": "Forbidden"},
    404: {"model": ErrorBody, "description": "Not Found"},
    409: {"model": ErrorBody, "description": "Conflict"},
    422: {"model": ErrorBody, "description": "Validation Error"},
    500: {"model": ErrorBody, "description": "Internal Server Error"},
}
_encode = msgspec.json.Encoder().encode


class DirectRoute(APIRoute):
    """A documented route whose endpoint parses the request itself, which avoids most of FastAPI's cost per request."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


class Runs:
    """The endpoints, over one store."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    @property
    def _settings(self) -> EmulatorSettings:
        return self._store.settings

    async def create(self, request: Request) -> Response:
        """Create a job run."""
        settings = self._settings
        request_id: str = request.state.request_id
        region = request.query_params.get("region", settings.default_region if settings.lenient else None)
        if region is None:
            return error_response(422, _MISSING_REGION, request_id)
        body = await request.body()
        if len(body) > settings.max_body_bytes:
            return error_response(413, _too_large(settings), request_id)
        payload = read_payload(body, lenient=settings.lenient)
        if not isinstance(payload, CreateRunPayload):
            return error_response(422, payload, request_id)
        return self._created(region, payload, request_id)

    def _created(self, region: str, payload: CreateRunPayload, request_id: str) -> Response:
        settings, now = self._settings, time.time()
        if settings.quota_runs is not None:
            self._store.advance(now)
            if self._store.active_runs >= settings.quota_runs:
                return error_response(settings.quota_status, _no_quota(settings), request_id)
        answered = answered_payload(payload, settings.default_runtime)
        run = self._store.commit(
            name=payload.name,
            region=region,
            runtime=payload.runtime.value,
            timeout_s=payload.timeout_seconds,
            payload=answered,
            now=now,
        )
        return Response(run_json(run, run.created_at), 201, media_type=JSON)

    async def list_runs(
        self,
        request: Request,
        name: Annotated[str | None, Query(max_length=255, pattern=NAME_FILTER)] = None,
        created_after: datetime | None = None,
        status: Annotated[list[RunStatus] | None, Query()] = None,
        region: str | None = None,
        cursor: Annotated[str | None, Query(description="Cursor for the next page")] = None,
        size: Annotated[int, Query(ge=0, le=MAX_PAGE_SIZE, description="Page size")] = 50,
    ) -> Response:
        """List job runs, newest first."""
        position = parse_cursor(cursor)
        if position is None:
            raise RequestValidationError([_query_error("cursor", "is not a cursor of this list")])
        if any(not one.is_known for one in status or ()):
            raise RequestValidationError([_query_error("status", "is not a run status")])
        query = RunQuery(
            name=name,
            region=region,
            created_after=None if created_after is None else _epoch(created_after),
            statuses=frozenset(one.value for one in status or ()),
        )
        now = time.time()
        self._store.advance(now)
        page = list_page(self._store, query, position, size, now)
        del request
        return Response(
            _encode({**asdict(page), "items": [self._view(run, now) for run in page.items]}), media_type=JSON
        )

    async def get_run(self, request: Request, run_id: str) -> Response:
        """Get a job run."""
        run = self._store.get(run_id)
        if run is None:
            return _not_found(run_id, request)
        now = time.time()
        self._store.advance(now)
        return Response(_encode(self._view(run, now)), media_type=JSON)

    async def cancel_run(self, request: Request, run_id: str) -> Response:
        """Cancel a job run; a run that has already ended stays as it is."""
        run = self._store.get(run_id)
        if run is None:
            return _not_found(run_id, request)
        now = time.time()
        self._store.cancel(run, now)
        self._store.advance(now)
        return Response(_encode(self._view(run, now)), media_type=JSON)

    async def get_logs(self, request: Request, run_id: str, size: int = 100, cursor: str | None = None) -> Response:
        """Get job run logs; they can be followed while the run is active."""
        run = self._store.get(run_id)
        if run is None:
            return _not_found(run_id, request)
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):  # noqa: PLR2004 - 64 bits
            raise RequestValidationError([_query_error("cursor", "is not a cursor of this log")])
        now = time.time()
        self._store.advance(now)
        page = log_page(run, self._settings.log_lines, now, start=int(cursor or 0), size=size)
        return Response(page.model_dump_json(), media_type=JSON)

    async def get_metrics(self, request: Request, run_id: str) -> Response:
        """Get job run metrics."""
        run = self._store.get(run_id)
        if run is None:
            return _not_found(run_id, request)
        now = time.time()
        self._store.advance(now)
        return Response(metrics_of(run, self._settings, now).model_dump_json(), media_type=JSON)

    def _view(self, run: StoredRun, now: float) -> dict[str, Any]:
        return run_view(run, now, timeout_as_failed=self._settings.timeout_as_failed)


def add_runs(app: FastAPI, runs: Runs) -> None:
    """Add the routes, documented as in the contract."""
    for path, endpoint, method, model, operation_id in (
        ("/runs", runs.list_runs, "GET", RunPage, "listJobRuns"),
        ("/runs/{run_id}", runs.get_run, "GET", RunView, "getJobRun"),
        ("/runs/{run_id}/cancel", runs.cancel_run, "POST", RunView, "cancelJobRun"),
        ("/runs/{run_id}/logs", runs.get_logs, "GET", LogsResponse, "getJobRunLogs"),
        ("/runs/{run_id}/metrics", runs.get_metrics, "GET", RunMetricsResponse, "getJobRunMetrics"),
    ):
        app.add_api_route(
            path, endpoint, methods=[method], response_model=model, operation_id=operation_id, **_DOCUMENTED
        )
    create = DirectRoute(
        "/runs",
        runs.create,
        methods=["POST"],
        status_code=201,
        response_model=RunView,
        operation_id="createJobRun",
        **_DOCUMENTED,
    )
    app.router.routes.insert(0, create)  # matched first: it is the hot path


_DOCUMENTED: dict[str, Any] = {"tags": ["runs"], "responses": ERROR_RESPONSES}

_MISSING_REGION = ErrorDetail(
    code=ErrorClass.INVALID_INPUT_ERROR,
    message="Field required",
    details="missing at query.region",
    path="query.region",
    field="region",
    suggestion="Add the query parameter 'region'.",
)


def _too_large(settings: EmulatorSettings) -> ErrorDetail:
    return ErrorDetail(
        code=ErrorClass.REQUEST_ENTITY_TOO_LARGE,
        message=f"The body is larger than {settings.max_body_bytes} bytes",
        path="body",
    )


def _no_quota(settings: EmulatorSettings) -> ErrorDetail:
    return ErrorDetail(
        code=ErrorClass.INSUFFICIENT_QUOTA_ERROR,
        message=f"The quota of {settings.quota_runs} active runs is used up",
        suggestion="Wait until a run has ended, or cancel one.",
    )


def _not_found(run_id: str, request: Request) -> Response:
    detail = ErrorDetail(
        code=ErrorClass.NOT_FOUND_ERROR,
        message=f"Run {run_id!r} does not exist",
        path="path.run_id",
        field="run_id",
        suggestion="List the runs to find its id.",
    )
    return error_response(404, detail, request.state.request_id)


def _query_error(name: str, fact: str) -> dict[str, Any]:
    return {"type": "value_error", "loc": ("query", name), "msg": fact}


def _epoch(moment: datetime) -> float:
    """Epoch seconds; a time without an offset is taken as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
