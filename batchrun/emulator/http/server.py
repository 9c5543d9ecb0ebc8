"""The emulated service on a real socket: uvicorn in a background thread."""

import json
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from batchrun.emulator.clock import server_time
from batchrun.emulator.faults.exchange import RESET
from batchrun.emulator.http.app import create_app
from batchrun.emulator.http.guard import guard_of
from batchrun.emulator.http.tls import Certificates
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.runs.views import audit_line
from batchrun.emulator.settings import EmulatorSettings
from batchrun.errors import UsageError

__all__ = ["EmulatorServer"]

START_TIMEOUT_S = 10.0  # it takes a tenth of a second, and seconds on a busy machine
GRACE_S = 1  # a request that a fault holds up for minutes must not hold up the end
BACKLOG = 2048  # uvicorn's own default
KEEPALIVE_S = 120  # longer than clients keep idle connections, so that none is closed while it sends a request


class EmulatorServer:
    """An emulated service on ``host`` that runs for as long as the context; port 0 picks a free port.

    With ``tls`` it serves https only, with a certificate from a temporary authority: clients must trust ``ca_file``.

    Raises:
        UsageError: other machines could reach it and no API key is set, or the state file cannot be used.

    """

    def __init__(
        self,
        settings: EmulatorSettings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        state_file: Path | None = None,
    ) -> None:
        guard = guard_of(host)
        if guard.needs_key and (settings is None or settings.api_key is None):
            fact = "other machines can reach the emulator there, and any API key would be accepted"
            raise UsageError(f"--host {host}", fact, "set BATCHRUN_EMULATOR_API_KEY to the key to accept")
        self.app = create_app(settings, state_file=state_file, guard=guard)
        self._host = host
        self._port = port
        self._certificates = Certificates(host) if tls else None
        self._thread: threading.Thread | None = None
        self.url = ""

    @override
    def __repr__(self) -> str:
        return f"<EmulatorServer {self.url or 'stopped'}>"

    @property
    def ca_file(self) -> Path | None:
        """The authority's certificate, while the server is running; None without TLS."""
        return self._certificates.ca_file if self._certificates else None

    def runs(self) -> list[dict[str, Any]]:
        """Every run that was actually created, oldest first, as in ``GET /_emulator/runs``."""
        store: RunStore = self.app.state.store
        now = server_time(store.settings)
        return [json.loads(audit_line(run, store.settings, now)) for run in tuple(store.runs)]

    def __enter__(self) -> Self:
        """Start serving.

        Raises:
            UsageError: the address cannot be bound.

        """
        bound = _bind(self._host, self._port)
        self._server = uvicorn.Server(self._config())
        self._thread = threading.Thread(target=self._server.run, args=([bound],), name="emulator", daemon=True)
        self._thread.start()
        scheme = "https" if self._certificates else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"{scheme}://{host}:{bound.getsockname()[1]}"
        self._wait_until_started()
        self.app.state.store.serve_at(self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; requests in flight get ``GRACE_S`` to finish."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(START_TIMEOUT_S)
        if self._certificates is not None:
            self._certificates.close()
        self.url = ""

    def _config(self) -> uvicorn.Config:
        config = uvicorn.Config(
            self.app,
            http=ResettableProtocol,
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,  # the application sends its own, which may be wrong on purpose
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=KEEPALIVE_S,
        )
        config.load()
        if self._certificates is not None:
            config.ssl = self._certificates.server_context
        return config

    def _wait_until_started(self) -> None:
        waiting = threading.Event()
        for _ in range(int(START_TIMEOUT_S / 0.005)):
            if self._server.started:
                return
            waiting.wait(0.005)
        raise UsageError(self.url, "the emulator did not start", "try again")


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with an ASGI extension: the application may reset the connection."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {RESET: {"now": self._reset}}

    @override
    def shutdown(self) -> None:
        """Close when idle. Over TLS abort: a client that has stopped reading never answers ``close_notify``."""
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.scheme == "https":
            self.transport.abort()
        else:
            super().shutdown()

    def _reset(self) -> None:
        transport = self.transport
        raw = transport.get_extra_info("socket")
        if raw is not None:  # SO_LINGER with zero seconds makes the kernel send RST instead of FIN
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        bound.close()
        raise UsageError(f"{host}:{port}", f"cannot listen: {error}", "choose another --port") from None
    return bound
