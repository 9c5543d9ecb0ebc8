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
      any key is accepted; use it with WHEROBOTS_API_BASE_URL=http://127.0.0.1:8080
  batchrun emulator --rate-limit 50 --retry-after fraction
      refuse what comes faster than 50 a second
  batchrun emulator --fault reset_after_commit=0.05 --fault error_after_commit=0.05
      take every twentieth answer away although the run was created, and fail as many
  batchrun emulator --fault conflict=1@100-200 --run-seconds 600 --speed 60
      409 for requests 100 to 200; runs of ten minutes that take ten seconds
"""

API_KEY_VARIABLE = "BATCHRUN_EMULATOR_API_KEY"
LOOPBACK = "127.0.0.1"


def emulator(
    *,
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on; others can reach all but loopback.")] = LOOPBACK,
    tls: Annotated[bool, typer.Option("--tls", help="Speak https, with a certificate of its own making.")] = False,
    state: Annotated[Path | None, typer.Option(help="Keep the runs in this SQLite file.", dir_okay=False)] = None,
    config: Annotated[Path | None, typer.Option(help="Settings in TOML; flags win.", dir_okay=False)] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed misbehaves in the same way.")] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Region and runtime may be left out.")] = False,
    rate_limit: Annotated[float | None, typer.Option(help="Requests a second for one key.")] = None,
    burst: Annotated[int | None, typer.Option(help="Requests at once that a bucket takes.")] = None,
    limiter: Annotated[str | None, typer.Option(help="bucket, window or sliding.")] = None,
    max_at_once: Annotated[int | None, typer.Option(help="Requests under way for one key.")] = None,
    retry_after: Annotated[str | None, typer.Option(help="none, seconds, fraction, date, mixed or odd.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=SHARE[@A-B]", help="Let a share of requests go wrong, or of requests A to B."),
    ] = None,
    list_lag: Annotated[float | None, typer.Option(help="Seconds until a new run is listed.")] = None,
    capacity: Annotated[int | None, typer.Option(help="Runs at once in one region.")] = None,
    quota: Annotated[int | None, typer.Option(help="Active runs beyond which creating is refused.")] = None,
    run_seconds: Annotated[float | None, typer.Option(help="How long a run takes.")] = None,
    failure_rate: Annotated[float | None, typer.Option(help="Share of runs that fail.")] = None,
    speed: Annotated[float | None, typer.Option(help="How many times as fast runs live.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, as in the TOML file.")
    ] = None,
) -> int:
    """Serve a local Wherobots Cloud, well behaved or not.

    The first line on standard output holds the address. Any API key is accepted, unless BATCHRUN_EMULATOR_API_KEY
    names the only one. What was really created is told by GET /_emulator/runs.
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
    wanted: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    wanted |= {name: _value(text) for name, text in _pairs("--set", settings or ()).items()}
    if fault:
        wanted["faults"] = _pairs("--fault", fault)
    layered = load_extra("batchrun.emulator.settings:layered", extra="emulator", wanted_by="emulator")
    server_of = load_extra("batchrun.emulator.http.server:EmulatorServer", extra="emulator", wanted_by="emulator")
    server = server_of(layered(config, wanted), host=host, port=port, tls=tls, state_file=state)
    with _until_asked_to_stop() as stop, server:
        _greet(output, server, host, state)
        stop.wait()
        output.tell("stopping")
    return 0


def _greet(output: Output, server: Any, host: str, state: Path | None) -> None:  # noqa: ANN401 - the extra may be missing
    output.say(f"emulator listening on {server.url}")
    if not is_loopback(host):
        output.warn(Problem("--host", f"whoever can reach {host} can use it", "leave it out to stay on this machine"))
    for line in server.app.state.store.settings.describe():
        output.tell(f"  {line}")
    if state is not None:
        output.tell(f"  {len(server.app.state.store.runs)} runs from {state}")
    if server.ca_file is not None:
        output.tell(f"  trust its certificate: SSL_CERT_FILE={server.ca_file}")
    output.tell(f"  what it holds: {server.url}/_emulator/runs; its endpoints: {server.url}/docs; Ctrl-C stops it")


@contextmanager
def _until_asked_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pairs(flag: str, texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(flag, f"{text!r} names no value", f"write {flag} NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


def _value(text: str) -> Any:  # noqa: ANN401 - any TOML value
    """A value as TOML has it; what is not TOML is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
