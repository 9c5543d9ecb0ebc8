"""The emulated service as one ASGI application: routes, wrapped in fault injection and access control."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from batchrun.emulator.clock import server_time
from batchrun.emulator.error_bodies import ErrorDetail, error_response
from batchrun.emulator.faults.limits import is_same_limit
from batchrun.emulator.faults.middleware import FaultMiddleware
from batchrun.emulator.http.access import AccessMiddleware, ClientRecords
from batchrun.emulator.http.control import Control, control_router
from batchrun.emulator.http.docs_page import CONTENT_SECURITY_POLICY, docs_page
from batchrun.emulator.http.guard import Guard
from batchrun.emulator.http.openapi import complete_openapi
from batchrun.emulator.http.organization import add_organization
from batchrun.emulator.http.payloads import error_details
from batchrun.emulator.http.routes import Runs, add_runs
from batchrun.emulator.http.storage import Storage, add_storage
from batchrun.emulator.http.uploads import Uploads, add_uploads
from batchrun.emulator.http.usage import add_usage
from batchrun.emulator.runs.state_file import open_state
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings
from batchrun.emulator.stats import Stats
from batchrun.wherobots.views import ErrorClass

__all__ = ["create_app"]

_CODES = {404: ErrorClass.NOT_FOUND_ERROR, 401: ErrorClass.UNAUTHORIZED_ERROR}


def create_app(
    settings: EmulatorSettings | None = None, *, state_file: Path | None = None, guard: Guard | None = None
) -> FastAPI:
    """A new service. Its runs are in ``app.state.store``; with a ``state_file`` they persist.

    Without a ``guard`` it answers under any host name, as suits an application without a socket.

    Raises:
        UsageError: the state file cannot be used.

    """
    settings = settings or EmulatorSettings()
    store = RunStore(settings) if state_file is None else open_state(state_file, settings)
    stats, clients = Stats(), ClientRecords()

    def current() -> EmulatorSettings:
        return store.settings

    def apply_settings(changed: EmulatorSettings) -> None:
        # A limiter keeps what it has counted as long as the limit stays: other settings are no reason to forget it.
        if not is_same_limit(store.settings, changed):
            clients.reset_limits(changed)
        store.change(changed, server_time(changed))

    app = FastAPI(
        title="Wherobots Cloud API (emulated)",
        version="0.0.1",
        middleware=[
            Middleware(AccessMiddleware, current, stats, clients, guard or Guard()),
            Middleware(FaultMiddleware, current, stats),
        ],
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        lifespan=_closing(store),
        redirect_slashes=False,
    )
    add_runs(app, Runs(store))
    add_usage(app, store)
    add_storage(app, Storage(store, store.files))
    uploads = Uploads(store, store.files)
    add_uploads(app, uploads)
    add_organization(app, lambda: store.settings)
    app.include_router(
        control_router(Control(store, stats, uploads, apply_settings=apply_settings, reset_clients=clients.clear))
    )
    app.add_api_route("/docs", lambda: _docs(app), methods=["GET"], include_in_schema=False)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.state.store, app.state.stats = store, stats
    app.openapi = _openapi_of(app, current)  # type: ignore[method-assign] # FastAPI documents this as the way to extend it
    return app


def _docs(app: FastAPI) -> Response:
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY}
    return Response(docs_page(app.openapi()), headers=headers, media_type="text/html")


def _closing(store: RunStore) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        yield
        store.close()

    return lifespan


def _openapi_of(app: FastAPI, settings: Callable[[], EmulatorSettings]) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, routes=app.routes)
            app.openapi_schema = complete_openapi(document, lenient=settings().lenient)
        return app.openapi_schema

    return openapi


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for this class only
    return error_response(422, error_details(list(error.errors())), request.state.request_id)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this class only
    code = _CODES.get(error.status_code, ErrorClass.BAD_REQUEST_ERROR)
    detail = ErrorDetail(code=code, message=str(error.detail), path=request.url.path)
    return error_response(error.status_code, detail, request.state.request_id, error.headers)
