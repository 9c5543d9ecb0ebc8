"""The endpoints of the Runs API."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from typing_extensions import override

from batchrun.emulator.clock import server_time
from batchrun.emulator.error_bodies import error_response
from batchrun.emulator.faults.lists import next_page_of
from batchrun.emulator.http.allowances import allowed_timeout_s, not_allowed
from batchrun.emulator.http.payloads import answered_payload, arguments_of, read_payload
from batchrun.emulator.http.refusals import (
    MISSING_REGION,
    no_quota,
    query_error,
    run_has_ended,
    run_not_found,
)
from batchrun.emulator.http.uris import unusable_uris
from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.listing import RunQuery, list_page, parse_cursor
from batchrun.emulator.runs.logs import log_page
from batchrun.emulator.runs.metrics import metrics_of
from batchrun.emulator.runs.rewrites import rewritten_payload
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.runs.views import run_view
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.payload import CreateRunPayload
from batchrun.wherobots.usage import RunMetricsResponse
from batchrun.wherobots.views import LogsResponse, RunPage, RunStatus, RunView

__all__ = ["Runs", "add_runs"]

JSON = "application/json"
OK = 200
MAX_PAGE_SIZE = 100
# As the contract has it: one asterisk, anywhere.
NAME_FILTER = r"^[a-zA-Z0-9_\-\.]*\*?[a-zA-Z0-9_\-\.]*$"
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
            return error_response(422, MISSING_REGION, request_id)
        body = await request.body()
        payload = read_payload(body, lenient=settings.lenient)
        if not isinstance(payload, CreateRunPayload):
            return error_response(422, payload, request_id)
        if settings.check_uris:
            missing = unusable_uris(payload, self._store.files, request.state.organization, region)
            if missing:
                return error_response(422, missing, request_id)
        timeout_s = payload.timeout_seconds
        if settings.enforce_organization:
            if (refused := not_allowed(payload, region, settings)) is not None:
                return error_response(refused[0], refused[1], request_id)
            timeout_s = allowed_timeout_s(timeout_s, settings)
        if self._is_quota_used_up(request.state.organization):
            return error_response(settings.quota_status, no_quota(settings), request_id)
        answered = answered_payload(payload, settings.default_runtime)
        run = self._store.commit(
            name=payload.name,
            organization=request.state.organization,
            region=region,
            runtime=payload.runtime.value,
            timeout_s=timeout_s,
            payload=answered,
            args=arguments_of(payload),
            now=server_time(settings),
        )
        # The payload as it was sent: a service that rewrites payloads shows so only when it is asked again.
        return Response(_encode(run_view(run, run.created_at)), 201, media_type=JSON)

    def _is_quota_used_up(self, organization: str) -> bool:
        settings = self._settings
        if settings.quota_runs is None:
            return False
        self._advance()
        return self._store.active_runs_of(organization) + settings.quota_held >= settings.quota_runs

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
        """List job runs."""
        position = parse_cursor(cursor)
        if position is None:
            raise RequestValidationError([query_error("cursor", "is not a cursor of this list")])
        if any(not one.is_known for one in status or ()):
            raise RequestValidationError([query_error("status", "is not a run status")])
        query = RunQuery(
            organization=request.state.organization,
            name=name,
            region=region,
            created_after=None if created_after is None else _epoch(created_after),
            statuses=frozenset(one.value for one in status or ()),
        )
        now = self._advance()
        fault = request.scope["state"].get("list_fault")
        page = list_page(self._store, query, position, size, now)
        next_page = next_page_of(fault, current_page=page.current_page, next_page=page.next_page)
        items = [self._view(run, now) for run in page.items]
        return Response(_encode({**page.links(), "items": items, "next_page": next_page}), media_type=JSON)

    async def get_run(self, request: Request, run_id: str) -> Response:
        """Get a job run."""
        run, now = self._find(request, run_id)
        if run is None:
            return run_not_found(run_id, request)
        return Response(_encode(self._view(run, now)), media_type=JSON)

    async def cancel_run(self, request: Request, run_id: str) -> Response:
        """Cancel a job run; a run that has already ended stays as it is."""
        run, now = self._find(request, run_id)
        if run is None:
            return run_not_found(run_id, request)
        if self._settings.cancel_ended_status != OK and run.status_at(now).is_final:
            return run_has_ended(self._settings.cancel_ended_status, run_id, request)
        self._store.cancel(run, now)
        self._store.advance(now)
        return Response(_encode(self._view(run, now)), media_type=JSON)

    async def get_logs(self, request: Request, run_id: str, size: int = 100, cursor: str | None = None) -> Response:
        """Get job run logs; they can be followed while the run is active."""
        run, now = self._find(request, run_id)
        if run is None:
            return run_not_found(run_id, request)
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):  # noqa: PLR2004 - 64 bits
            raise RequestValidationError([query_error("cursor", "is not a cursor of this log")])
        page = log_page(run, self._settings, now, cursor=int(cursor or 0), size=size)
        return Response(page.model_dump_json(), media_type=JSON)

    async def get_metrics(self, request: Request, run_id: str) -> Response:
        """Get job run metrics."""
        run, now = self._find(request, run_id)
        if run is None:
            return run_not_found(run_id, request)
        return Response(metrics_of(run, self._settings, now).model_dump_json(), media_type=JSON)

    def _find(self, request: Request, run_id: str) -> tuple[StoredRun | None, float]:
        """The run, if the caller can see it, and the time."""
        now = self._advance()
        run = self._store.get(run_id)
        if run is None or run.is_deleted_at(now) or run.organization != request.state.organization:
            return None, now
        return run, now

    def _advance(self) -> float:
        """Let runs start and end up to now, and return the time."""
        now = server_time(self._settings)
        self._store.advance(now)
        return now

    def _view(self, run: StoredRun, now: float) -> dict[str, Any]:
        payload = rewritten_payload(run.payload, run.number, self._settings)
        return run_view(run, now, payload=payload, timeout_as_failed=self._settings.timeout_as_failed)


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
            path, endpoint, methods=[method], response_model=model, operation_id=operation_id, tags=["runs"]
        )
    create = DirectRoute(
        "/runs",
        runs.create,
        methods=["POST"],
        status_code=201,
        response_model=RunView,
        operation_id="createJobRun",
        tags=["runs"],
    )
    app.router.routes.insert(0, create)  # matched first: it is the hot path


def _epoch(moment: datetime) -> float:
    """Epoch seconds; a time without an offset is taken as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
