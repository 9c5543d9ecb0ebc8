"""``batchrun emulator``."""

import os
import signal
import threading
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from batchrun.cli.loading import load_extra
from batchrun.cli.output import Output
from batchrun.errors import Problem, UsageError
from batchrun.wherobots.settings import is_loopback

__all__ = ["EXAMPLES", "emulator"]

EXAMPLES = """
Examples:

\b
  batchrun emulator --port 8080
      accept any API key; use it with WHEROBOTS_API_BASE_URL=http://127.0.0.1:8080
  batchrun emulator --rate-limit 50 --retry-after fraction
      refuse requests beyond 50 a second
  batchrun emulator --fault reset_after_commit=0.05 --fault error_after_commit=0.05
      lose 5 % of the responses although the run was created, and answer 5 % with a server error
  batchrun emulator --fault conflict=1@100-200 --run-seconds 600 --speed 60
      409 for requests 100 to 200; runs of ten minutes that end after ten seconds
"""

API_KEY_VARIABLE = "BATCHRUN_EMULATOR_API_KEY"
LOOPBACK = "127.0.0.1"


def emulator(
    *,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free port.", min=0, max=65535)] = 0,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Anything but loopback is open to the network.")
    ] = LOOPBACK,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https with a temporary certificate.")] = False,
    state: Annotated[Path | None, typer.Option(help="Persist the runs in this SQLite file.", dir_okay=False)] = None,
    config: Annotated[
        Path | None, typer.Option(help="Read settings from this TOML file; flags override it.", dir_okay=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed for faults, durations and failures.")] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Make region and runtime optional.")] = False,
    rate_limit: Annotated[float | None, typer.Option(help="Requests per second for one key.")] = None,
    burst: Annotated[int | None, typer.Option(help="Size of the token bucket.")] = None,
    limiter: Annotated[str | None, typer.Option(help="Rate limiter: bucket, window or sliding.")] = None,
    max_at_once: Annotated[int | None, typer.Option(help="Concurrent requests for one key.")] = None,
    retry_after: Annotated[
        str | None, typer.Option(help="Form of Retry-After: none, seconds, fraction, date, mixed or odd.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SHARE[@A-B]", help="Make a share of all requests fail, or a share of requests A to B."
        ),
    ] = None,
    list_lag: Annotated[float | None, typer.Option(help="Seconds until a new run appears in lists.")] = None,
    capacity: Annotated[int | None, typer.Option(help="Concurrent runs in one region; others stay pending.")] = None,
    quota: Annotated[int | None, typer.Option(help="Active runs beyond which creating is refused.")] = None,
    run_seconds: Annotated[float | None, typer.Option(help="Duration of a run.")] = None,
    failure_rate: Annotated[float | None, typer.Option(help="Share of runs that fail.")] = None,
    speed: Annotated[float | None, typer.Option(help="Divide the durations of runs by this.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, as in the TOML file.")
    ] = None,
) -> int:
    """Serve a local Wherobots Cloud that misbehaves on request.

    The first line of standard output contains the address. Any API key is accepted, unless BATCHRUN_EMULATOR_API_KEY
    is set to the only valid one. GET /_emulator/runs lists the runs that were really created.
    """
    output = Output()
    flags: dict[str, Any] = {
        "seed": seed,
        "lenient": lenient or None,
        "rate_limit_per_s": rate_limit,
        "burst": burst,
        "limiter": limiter,
        "max_requests_at_once": max_at_once,
        "retry_after": retry_after,
        "list_lag_s": list_lag,
        "capacity_runs": capacity,
        "quota_runs": quota,
        "run_s": run_seconds,
        "failure_rate": failure_rate,
        "speed": speed,
        "api_key": os.environ.get(API_KEY_VARIABLE) or None,
    }
    values: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    values |= {name: _value(text) for name, text in _pairs("--set", settings or ()).items()}
    if fault:
        values["faults"] = _pairs("--fault", fault)
    load_settings = load_extra("batchrun.emulator.settings:load_settings", extra="emulator", wanted_by="emulator")
    server_of = load_extra("batchrun.emulator.http.server:EmulatorServer", extra="emulator", wanted_by="emulator")
    server = server_of(load_settings(config, values), host=host, port=port, tls=tls, state_file=state)
    with _stop_on_signal() as stop, server:
        _print_greeting(output, server, host, state)
        stop.wait()
        output.tell("stopping")
    return 0


def _print_greeting(output: Output, server: Any, host: str, state: Path | None) -> None:  # noqa: ANN401 - the extra may be missing
    output.say(f"emulator listening on {server.url}")
    if not is_loopback(host):
        output.warn(Problem("--host", f"anyone who can reach {host} can use it", "omit it to listen on loopback only"))
    for line in server.app.state.store.settings.describe():
        output.tell(f"  {line}")
    if state is not None:
        output.tell(f"  {len(server.app.state.store.runs)} runs loaded from {state}")
    if server.ca_file is not None:
        output.tell(f"  certificate to trust: SSL_CERT_FILE={server.ca_file}")
    output.tell(f"  runs created: {server.url}/_emulator/runs; endpoints: {server.url}/docs; stop with Ctrl-C")


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of ending the process."""
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    previous = {number: signal.signal(number, request_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _pairs(flag: str, texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(flag, f"{text!r} has no value", f"write {flag} NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


def _value(text: str) -> Any:  # noqa: ANN401 - any TOML value
    """A TOML value; anything that is not TOML is taken as a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
