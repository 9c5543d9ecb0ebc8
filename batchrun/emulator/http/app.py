"""The emulated service as one ASGI application: routes, with faults and the gate around them."""

import time
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

from batchrun.emulator.faults.faults import FaultLayer
from batchrun.emulator.faults.limits import is_same_limit
from batchrun.emulator.http.control import Control, control_router
from batchrun.emulator.http.gate import AccessMiddleware, ClientRecords
from batchrun.emulator.http.openapi import describe
from batchrun.emulator.http.payloads import wrongs_of
from batchrun.emulator.http.routes import Runs, add_runs
from batchrun.emulator.problems import ErrorDetail, refusal
from batchrun.emulator.runs.state_file import open_state
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings
from batchrun.emulator.stats import Stats
from batchrun.wherobots.views import ErrorClass

__all__ = ["create_app"]

_CODES = {404: ErrorClass.NOT_FOUND_ERROR, 401: ErrorClass.UNAUTHORIZED_ERROR}


def create_app(settings: EmulatorSettings | None = None, *, state_file: Path | None = None) -> FastAPI:
    """A fresh service; what it holds is in ``app.state.store``, and survives in ``state_file`` if there is one.

    Raises:
        UsageError: the state file cannot be used.

    """
    store = _store(settings or EmulatorSettings(), state_file)
    stats, visitors = Stats(), ClientRecords()

    def current() -> EmulatorSettings:
        return store.settings

    def renew(changed: EmulatorSettings) -> None:
        if not is_same_limit(store.settings, changed):
            visitors.limit_anew(changed)
        store.change(changed, time.time())

    app = FastAPI(
        title="Wherobots Cloud API (emulated)",
        version="0.0.1",
        middleware=[Middleware(AccessMiddleware, current, stats, visitors), Middleware(FaultLayer, current, stats)],
        lifespan=_closing(store),
        redirect_slashes=False,
    )
    add_runs(app, Runs(store))
    app.include_router(control_router(Control(store, stats, renew=renew, forget=visitors.start_again)))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_such_thing)
    app.state.store, app.state.stats = store, stats
    app.openapi = _openapi_of(app, current)  # type: ignore[method-assign] # as FastAPI's manual has it
    return app


def _store(settings: EmulatorSettings, state_file: Path | None) -> RunStore:
    if state_file is None:
        return RunStore(settings)
    return open_state(state_file, settings)


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
            app.openapi_schema = describe(document, lenient=settings().lenient)
        return app.openapi_schema

    return openapi


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for this class only
    return refusal(422, wrongs_of(list(error.errors())), request.state.request_id)


async def _no_such_thing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this class only
    code = _CODES.get(error.status_code, ErrorClass.BAD_REQUEST_ERROR)
    wrong = ErrorDetail(code=code, message=str(error.detail), path=request.url.path)
    return refusal(error.status_code, wrong, request.state.request_id, error.headers)
