"""Control endpoints for tests: audit, statistics, reset and settings. They need no API key."""

from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from batchrun.emulator.clock import server_time
from batchrun.emulator.error_bodies import ErrorDetail, error_response
from batchrun.emulator.http.refusals import run_not_found
from batchrun.emulator.http.uploads import Uploads
from batchrun.emulator.runs.deletion import Deletion
from batchrun.emulator.runs.logs import RunLog, log_of
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.runs.views import audit_line
from batchrun.emulator.settings import SECRETS, EmulatorSettings, with_changes
from batchrun.emulator.stats import Stats
from batchrun.wherobots.views import ErrorClass

__all__ = ["Control", "control_router"]

LINES_PER_CHUNK = 500  # yields to the event loop in between: an audit may have a million lines


class Control:
    """The endpoints; ``apply_settings`` and ``reset_clients`` act on the middleware around the service."""

    def __init__(
        self,
        store: RunStore,
        stats: Stats,
        uploads: Uploads,
        *,
        apply_settings: Callable[[EmulatorSettings], None],
        reset_clients: Callable[[], None],
    ) -> None:
        self._store = store
        self._stats = stats
        self._uploads = uploads
        self._apply_settings = apply_settings
        self._reset_clients = reset_clients

    async def runs(self) -> StreamingResponse:
        """Every created run, oldest first, as JSON Lines; deleted ones too."""
        now = server_time(self._store.settings)
        self._store.advance(now)
        return StreamingResponse(self._audit(now), media_type="application/jsonl")

    async def _audit(self, now: float) -> AsyncIterator[bytes]:
        runs = self._store.runs
        for start in range(0, len(runs), LINES_PER_CHUNK):
            yield b"".join(audit_line(run, self._store.settings, now) for run in runs[start : start + LINES_PER_CHUNK])

    async def logs(self, request: Request, run_id: str) -> Response:
        """Every line that a run has written, as JSON Lines, whether it can be read already or not."""
        run, now = self._store.get(run_id), server_time(self._store.settings)
        if run is None:
            return run_not_found(run_id, request)
        self._store.advance(now)
        return StreamingResponse(_log_lines(log_of(run, self._store.settings), now), media_type="application/jsonl")

    async def files(self) -> list[dict[str, Any]]:
        """Every file that is stored."""
        return [asdict(file) for file in self._store.files]

    async def uploads(self) -> list[dict[str, Any]]:
        """Every request to an upload URL, oldest first, with the headers that it carried."""
        return self._uploads.audit()

    async def stats(self) -> dict[str, Any]:
        """Requests and refusals, in total and per second; the peak number of active runs."""
        self._store.advance(server_time(self._store.settings))
        return {
            "runs": len(self._store.runs),
            "active_runs": self._store.active_runs,
            "active_runs_peak": self._store.active_runs_peak,
            **self._stats.snapshot(),
        }

    async def reset(self) -> dict[str, bool]:
        """Delete all runs, counters and limits; keep the settings."""
        self._store.clear()
        self._stats.clear()
        self._uploads.seen.clear()
        self._reset_clients()
        return {"reset": True}

    async def delete(self, deletion: Deletion) -> dict[str, Any]:
        """Delete runs without the client's knowledge: lists and lookups no longer return them."""
        now = server_time(self._store.settings)
        runs = [run for run in self._store.runs if deletion.includes(run, self._store.settings.seed, now)]
        for run in runs:
            self._store.delete(run, now)
        return {"deleted": len(runs), "ids": [run.id for run in runs]}

    async def config(self) -> dict[str, Any]:
        """The settings, without API keys."""
        return self._store.settings.model_dump(mode="json", exclude=set(SECRETS))

    async def change(self, request: Request, values: Annotated[dict[str, Any], Body()]) -> Response:
        """Change some settings, starting with the next request."""
        settings = with_changes(self._store.settings, values)
        if not isinstance(settings, EmulatorSettings):
            details = [
                ErrorDetail(
                    code=ErrorClass.INVALID_INPUT_ERROR, message=one.fact, path=f"body.{one.place}", field=one.place
                )
                for one in settings
            ]
            return error_response(422, details, request.state.request_id)
        self._apply_settings(settings)
        return JSONResponse(await self.config())


async def _log_lines(log: RunLog, now: float) -> AsyncIterator[bytes]:
    written = log.written_by(now)
    for start in range(0, written, LINES_PER_CHUNK):
        items = [log.item(number) for number in range(start, min(written, start + LINES_PER_CHUNK))]
        yield b"".join(item.model_dump_json().encode() + b"\n" for item in items)


def control_router(control: Control) -> APIRouter:
    router = APIRouter(prefix="/_emulator", tags=["emulator"])
    router.add_api_route("/runs", control.runs, methods=["GET"], response_class=StreamingResponse)
    router.add_api_route("/runs/{run_id}/logs", control.logs, methods=["GET"], response_class=StreamingResponse)
    router.add_api_route("/files", control.files, methods=["GET"])
    router.add_api_route("/uploads", control.uploads, methods=["GET"])
    router.add_api_route("/stats", control.stats, methods=["GET"])
    router.add_api_route("/reset", control.reset, methods=["POST"])
    router.add_api_route("/delete", control.delete, methods=["POST"])
    router.add_api_route("/config", control.config, methods=["GET"])
    router.add_api_route("/config", control.change, methods=["PUT"])
    return router
