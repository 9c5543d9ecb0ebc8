"""``batchrun emulator``."""

import os
import threading
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchrun.cli.interrupts import handling, stop_signals
from batchrun.cli.loading import load_extra
from batchrun.cli.output import Output
from batchrun.errors import Problem, UsageError
from batchrun.wherobots.settings import is_loopback

if TYPE_CHECKING:  # the emulator is an extra
    from batchrun.emulator.http.server import EmulatorServer

__all__ = ["EXAMPLES", "emulator"]

EXAMPLES = """
Examples:

\b
  batchrun emulator --port 8080
      accepts any API key; point clients at it with WHEROBOTS_API_BASE_URL=http://127.0.0.1:8080
  batchrun emulator --rate-limit 50 --retry-after fraction
      refuse requests above 50 per second
  batchrun emulator --fault reset_after_commit=0.05 --fault error_after_commit=0.05
      create the run but lose the response to 5% of requests, and answer 5% with an error
  batchrun emulator --fault conflict=1@100-200 --run-seconds 600 --speed 60
      answer requests 100 to 200 with 409; simulate ten-minute runs in ten seconds
"""

API_KEY_VARIABLE = "BATCHRUN_EMULATOR_API_KEY"
"""An environment variable rather than an option: other users of the machine can read a process's arguments."""
LOOPBACK = "127.0.0.1"


def emulator(
    *,
    port: Annotated[
        int, typer.Option(metavar="PORT", help="Port to listen on; 0 picks a free one.", min=0, max=65535)
    ] = 0,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to listen on; any other than loopback requires BATCHRUN_EMULATOR_API_KEY."
        ),
    ] = LOOPBACK,
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS with a generated certificate.")] = False,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Persist runs in this SQLite file.", dir_okay=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file with settings; options override it.", dir_okay=False)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Seed for faults and run outcomes, for repeatable tests.")
    ] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Accept runs without a region or runtime.")] = False,
    rate_limit: Annotated[
        float | None, typer.Option(metavar="R", help="Requests per second allowed per API key.")
    ] = None,
    burst: Annotated[int | None, typer.Option(metavar="N", help="Burst size of the bucket limiter.")] = None,
    limiter: Annotated[
        str | None, typer.Option(metavar="KIND", help="Kind of rate limit: bucket, window or sliding.")
    ] = None,
    max_at_once: Annotated[
        int | None, typer.Option(metavar="N", help="Concurrent requests allowed per API key.")
    ] = None,
    retry_after: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="Retry-After format: none, seconds, fraction, date, mixed or odd."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SHARE[@A-B]",
            help="Inject a fault into a share of requests, or only into requests A to B. Repeatable.",
        ),
    ] = None,
    list_lag: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Delay before a new run appears in lists.")
    ] = None,
    list_order: Annotated[
        str | None, typer.Option(metavar="ORDER", help="Order of lists: newest, oldest or random.")
    ] = None,
    capacity: Annotated[
        int | None, typer.Option(metavar="N", help="Concurrent runs per region; others stay pending.")
    ] = None,
    quota: Annotated[
        int | None, typer.Option(metavar="N", help="Maximum active runs; further ones are refused.")
    ] = None,
    quota_held: Annotated[
        int | None, typer.Option(metavar="N", help="Other users' active runs that count towards --quota.")
    ] = None,
    run_seconds: Annotated[float | None, typer.Option(metavar="SECONDS", help="Duration of a run.")] = None,
    failure_rate: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of runs that fail, from 0 to 1.")
    ] = None,
    clock_offset: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Seconds that the server's clock is ahead; may be negative.")
    ] = None,
    speed: Annotated[float | None, typer.Option(metavar="FACTOR", help="Speed-up of simulated time for runs.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, named as in the TOML file. Repeatable."),
    ] = None,
) -> int:
    """Run a local emulator of Wherobots Cloud, optionally with faults and limits.

    The first line on stdout ends with the emulator's URL. Any API key is accepted unless BATCHRUN_EMULATOR_API_KEY is set;
    it must be set if other machines can reach the address. GET /_emulator/runs lists every run that was created.
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
        "list_order": list_order,
        "capacity_runs": capacity,
        "quota_runs": quota,
        "quota_held": quota_held,
        "run_s": run_seconds,
        "failure_rate": failure_rate,
        "clock_offset_s": clock_offset,
        "speed": speed,
        # From the environment alone: arguments are shown to every user of the machine.
        "api_key": os.environ.get(API_KEY_VARIABLE) or None,
    }
    values: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    values |= {name: _toml_value(text) for name, text in _pairs("--set", settings or ()).items()}
    if fault:
        values["faults"] = _pairs("--fault", fault)
    load_settings = load_extra("batchrun.emulator.settings:load_settings", extra="emulator", wanted_by="emulator")
    server_of = load_extra("batchrun.emulator.http.server:EmulatorServer", extra="emulator", wanted_by="emulator")
    server = server_of(load_settings(config, values), host=host, port=port, tls=tls, state_file=state)
    stop = threading.Event()
    # Handlers first, so that a signal during startup still shuts the server down in order.
    with handling(stop_signals(), lambda _: stop.set()), server:
        _print_banner(output, server, host, state)
        stop.wait()
        output.tell("stopping")
    return 0


def _print_banner(output: Output, server: "EmulatorServer", host: str, state: Path | None) -> None:
    output.say(f"emulator listening on {server.url}")
    if not is_loopback(host):
        fact = f"anyone who can reach {host} can use the emulator"
        output.warn(Problem("--host", fact, "omit it to listen on this machine only"))
    for line in server.app.state.store.settings.describe():
        output.tell(f"  {line}")
    if state is not None:
        output.tell(f"  {len(server.app.state.store.runs)} runs loaded from {state}")
    if server.ca_file is not None:
        output.tell(f"  to trust its certificate: SSL_CERT_FILE={server.ca_file}")
    output.tell(f"  runs: {server.url}/_emulator/runs; API docs: {server.url}/docs; press Ctrl-C to stop")


def _pairs(flag: str, texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(flag, f"{text!r} has no value", f"use {flag} NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


def _toml_value(text: str) -> Any:  # noqa: ANN401 - any TOML value
    """A TOML value; anything that is not valid TOML is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
