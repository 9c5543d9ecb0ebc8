"""The endpoints for whoever tests: the audit, statistics, reset and settings. They need no key."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from batchrun.emulator.problems import ErrorDetail, refusal
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.runs.views import audit_line
from batchrun.emulator.settings import EmulatorSettings, changed
from batchrun.emulator.stats import Stats
from batchrun.wherobots.views import ErrorClass

__all__ = ["Control", "control_router"]

LINES_A_CHUNK = 500


class Control:
    """The endpoints, over what they look at; ``renew`` and ``forget`` reach the layers around the service."""

    def __init__(
        self,
        store: RunStore,
        stats: Stats,
        *,
        renew: Callable[[EmulatorSettings], None],
        forget: Callable[[], None],
    ) -> None:
        self._store = store
        self._stats = stats
        self._renew = renew
        self._forget = forget

    async def runs(self) -> StreamingResponse:
        """Every created run, oldest first, as JSON Lines."""
        now = time.time()
        self._store.advance(now)
        return StreamingResponse(self._audit(now), media_type="application/jsonl")

    async def _audit(self, now: float) -> AsyncIterator[bytes]:
        runs = self._store.runs
        for start in range(0, len(runs), LINES_A_CHUNK):
            yield b"".join(audit_line(run, now) for run in runs[start : start + LINES_A_CHUNK])

    async def stats(self) -> dict[str, Any]:
        """Requests and refusals, in all and by second; the highest number of runs active at once."""
        self._store.advance(time.time())
        return {
            "runs": len(self._store.runs),
            "active_runs": self._store.active_runs,
            "active_runs_peak": self._store.active_runs_peak,
            **self._stats.snapshot(),
        }

    async def reset(self) -> dict[str, bool]:
        """Forget every run, count and limit; the settings stay."""
        self._store.clear()
        self._stats.clear()
        self._forget()
        return {"reset": True}

    async def config(self) -> dict[str, Any]:
        """The settings; the API key is not told."""
        return self._store.settings.model_dump(mode="json", exclude={"api_key"})

    async def change(self, request: Request, values: Annotated[dict[str, Any], Body()]) -> Response:
        """Replace some settings from now on."""
        settings = changed(self._store.settings, values)
        if not isinstance(settings, EmulatorSettings):
            wrongs = [
                ErrorDetail(
                    code=ErrorClass.INVALID_INPUT_ERROR, message=one.fact, path=f"body.{one.place}", field=one.place
                )
                for one in settings
            ]
            return refusal(422, wrongs, request.state.request_id)
        self._renew(settings)
        return JSONResponse(await self.config())


def control_router(control: Control) -> APIRouter:
    router = APIRouter(prefix="/_emulator", tags=["emulator"])
    router.add_api_route("/runs", control.runs, methods=["GET"], response_class=StreamingResponse)
    router.add_api_route("/stats", control.stats, methods=["GET"])
    router.add_api_route("/reset", control.reset, methods=["POST"])
    router.add_api_route("/config", control.config, methods=["GET"])
    router.add_api_route("/config", control.change, methods=["PUT"])
    return router
