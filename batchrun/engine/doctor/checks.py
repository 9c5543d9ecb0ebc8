"""Check that this machine is ready to submit runs; only reads."""

import os
import platform
import shutil
import ssl
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from anyio.streams.tls import TLSAttribute

from batchrun.engine.doctor.account_check import need_of, read_allowance
from batchrun.engine.doctor.checkup import Check, Level, allowance_checks, clock_check, setting_checks
from batchrun.engine.stopping import RESUME, StopReason, unusable_stop
from batchrun.errors import ApiError, BatchrunError, SettingsError
from batchrun.ledger.check import check as check_ledger_file
from batchrun.sweep.plan import Plan
from batchrun.wherobots.account import Account
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.proxy import proxy_for
from batchrun.wherobots.settings import ApiSettings, base_url_source
from batchrun.wherobots.storage import Storage
from batchrun.wherobots.transports import open_transport, tls_context

__all__ = ["local_checks", "network_checks"]

TIMEOUT_S = 10.0
"""A firewall that drops packets answers nothing at all, and somebody waits."""
LOW_DISK_BYTES = 1_000_000_000
"""Room for the ledger of a million followed runs, and for whatever else writes to the disk meanwhile."""
NOT_TLS_FIX = "check the scheme, host and port of the base URL"
BYTES_PER_RUN = 600
"""What a submitted run takes in a ledger, with some attempts and statuses."""


def local_checks(
    environ: Mapping[str, str], *, base_url: str | None, sweep: Plan | BatchrunError | None, ledger: Path | None
) -> Iterator[Check]:
    """Checks that need no network: versions, settings, sweep, ledger, disk."""
    python = f"Python {platform.python_version()}, batchrun {version('batchrun-wherobots')}, {platform.system()}"
    is_new_enough = sys.version_info >= (3, 11)
    yield Check(subject="versions", level=Level.OK if is_new_enough else Level.PROBLEM, fact=python)
    yield from setting_checks(environ)
    yield from _url_checks(environ, base_url)
    yield from _sweep_checks(sweep)
    if ledger is not None:
        yield from _ledger_checks(ledger, sweep.runs if isinstance(sweep, Plan) else 0)


def _url_checks(environ: Mapping[str, str], base_url: str | None) -> Iterator[Check]:
    """The base URL and its source, and every unusable setting: one must not hide another."""
    source = "--base-url" if base_url else base_url_source(environ)
    try:
        # Any key: a missing or a malformed one has a line of its own, and must not hide what the base URL is.
        settings = ApiSettings.from_environment({**environ, "WHEROBOTS_API_KEY": "not-the-key"}, base_url=base_url)
        yield Check(subject="base URL", level=Level.OK, fact=f"{settings.base_url} ({source})")
    except SettingsError as error:
        yield _problem(error)
    try:
        if environ.get("WHEROBOTS_API_KEY"):  # without one, there is a line already
            ApiSettings(api_key=environ["WHEROBOTS_API_KEY"])
    except SettingsError as error:
        yield _problem(error)


def _problem(error: BatchrunError, subject: str = "") -> Check:
    problem = error.problems[0]
    return Check(subject=subject or problem.place, level=Level.PROBLEM, fact=problem.fact, fix=problem.fix)


def _sweep_checks(sweep: Plan | BatchrunError | None) -> Iterator[Check]:
    match sweep:
        case Plan():
            yield Check(subject="sweep", level=Level.OK, fact=f"{sweep.name}: {sweep.runs:,} runs can be planned")
            for problem in sweep.warnings:
                yield Check(subject=problem.place, level=Level.WARNING, fact=problem.fact, fix=problem.fix)
        case BatchrunError():
            for problem in sweep.problems:
                yield Check(subject=problem.place or "sweep", level=Level.PROBLEM, fact=problem.fact, fix=problem.fix)


def _ledger_checks(ledger: Path, runs: int) -> Iterator[Check]:
    folder = ledger.resolve().parent
    if not folder.is_dir():
        yield Check(subject="ledger", level=Level.PROBLEM, fact=f"{folder} is not a folder", fix="check the path")
        return
    if not ledger.exists():
        yield Check(subject="ledger", level=Level.OK, fact=f"{ledger} does not exist yet")
    else:
        yield _ledger_state(ledger)
    target = ledger if ledger.exists() else folder
    if not os.access(target, os.W_OK):
        yield Check(subject="ledger", level=Level.PROBLEM, fact=f"{target} cannot be written", fix="check permissions")
    free = shutil.disk_usage(folder).free
    is_low = free < LOW_DISK_BYTES or free < 2 * BYTES_PER_RUN * runs  # reruns and costs come later
    level = Level.WARNING if is_low else Level.OK
    fix = "free disk space: a batch stops when its ledger cannot be written" if is_low else ""
    yield Check(subject="disk", level=level, fact=f"{free / 1e9:,.1f} GB free", fix=fix)


def _ledger_state(ledger: Path) -> Check:
    try:
        checked = check_ledger_file(ledger)
    except BatchrunError as error:
        problem = error.problems[0]
        return Check(subject="ledger", level=Level.PROBLEM, fact=f"{ledger}: {problem.fact}", fix=problem.fix)
    if checked.findings:
        fact = f"{ledger}: {len(checked.findings):,} findings, the first: {checked.findings[0].fact}"
        return Check(subject="ledger", level=Level.PROBLEM, fact=fact, fix=f"see batchrun ledger check {ledger}")
    return Check(subject="ledger", level=Level.OK, fact=f"{ledger}: {checked.lines:,} lines, no findings")


async def network_checks(settings: ApiSettings, sweep: Plan | None) -> AsyncIterator[Check]:
    """Checks from name resolution to the organization's quotas; steps after a broken one are skipped."""
    async for check in _connection_checks(settings):
        yield check
        if check.level is Level.PROBLEM:
            return
    async with RunsClient(settings, open_transport(settings, connections=2)) as client:
        check, has_response = await _key_check(client)
        yield check
        if has_response:
            yield clock_check(client.clock.offset_s)
        if check.level is Level.PROBLEM:
            return
        allowance, unread = await read_allowance(Account(client))
        need = None if sweep is None else await anyio.to_thread.run_sync(need_of, sweep)
        for found in allowance_checks(need, allowance, unread):
            yield found
        for region in sorted({region for upload in sweep.uploads for region in upload.runs}) if sweep else ():
            yield await _storage_check(client, region)


async def _connection_checks(settings: ApiSettings) -> AsyncIterator[Check]:
    parts = urlsplit(settings.base_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        proxy = proxy_for(settings.base_url)
    except SettingsError as error:
        yield _problem(error)
        return
    if proxy.url:
        yield Check(subject="proxy", level=Level.OK, fact=f"requests go {proxy.describe()}")
        return  # it looks names up itself, and only it may be reachable
    yield Check(subject="proxy", level=Level.OK, fact="none")
    try:
        with anyio.fail_after(TIMEOUT_S):
            found = await anyio.getaddrinfo(host, port, type=1)
    except (OSError, TimeoutError) as error:
        reason = "no response" if isinstance(error, TimeoutError) else str(error.strerror or error)
        fix = "check the base URL and this machine's network, or set HTTPS_PROXY"
        yield Check(subject="DNS", level=Level.PROBLEM, fact=f"{host} cannot be looked up: {reason}", fix=fix)
        return
    yield Check(subject="DNS", level=Level.OK, fact=f"{host} resolves to {found[0][4][0]}")
    context = await anyio.to_thread.run_sync(tls_context, settings.base_url)  # reads files
    yield await _tls_check(host, port, context if isinstance(context, ssl.SSLContext) else None)


async def _tls_check(host: str, port: int, context: ssl.SSLContext | None) -> Check:
    subject = "connection" if context is None else "TLS"
    try:
        with anyio.fail_after(TIMEOUT_S):
            if context is None:
                await (await anyio.connect_tcp(host, port)).aclose()
                return Check(subject=subject, level=Level.OK, fact=f"{host}:{port} accepts connections, without TLS")
            # Many servers close without TLS's own farewell (RFC 8446, 6.1); nothing that was read here could be cut short.
            stream = await anyio.connect_tcp(host, port, ssl_context=context, tls_standard_compatible=False)
            protocol = stream.extra(TLSAttribute.tls_version)  # noqa: S610 - anyio's typed attributes, not Django's
            await stream.aclose()
            return Check(subject=subject, level=Level.OK, fact=f"{host}:{port} has a trusted certificate, {protocol}")
    except ssl.SSLError as error:
        fact = f"{host}:{port}: {getattr(error, 'verify_message', '') or error.reason or error}"
        is_distrust = isinstance(error, ssl.SSLCertVerificationError)
        fix = "behind a company's proxy, set SSL_CERT_FILE to its certificate" if is_distrust else NOT_TLS_FIX
        return Check(subject=subject, level=Level.PROBLEM, fact=fact, fix=fix)
    except (OSError, TimeoutError) as error:
        cause = error.__cause__ or error
        reason = "no response" if isinstance(error, TimeoutError) else str(getattr(cause, "strerror", None) or cause)
        fix = "check the base URL and the firewall, or set HTTPS_PROXY"
        return Check(subject=subject, level=Level.PROBLEM, fact=f"{host}:{port}: {reason}", fix=fix)


async def _key_check(client: RunsClient) -> tuple[Check, bool]:
    """Whether the service lists runs for this key, and whether it responded at all."""
    try:
        page = await client.list_page(size=1)
    except ApiError as error:
        return _unusable(error, client), error.http_status is not None
    runs = "" if page.total is None else f"; {page.total:,} runs are listed"
    return Check(subject="API key", level=Level.OK, fact=f"accepted{runs}"), True


def _unusable(error: ApiError, client: RunsClient) -> Check:
    """In the words of a batch that cannot start with this service."""
    problem, subject = error.problems[0], "service"
    stop = unusable_stop(error, client.settings.base_url, has_responded=client.has_answered)
    if stop is None:
        fact, fix = f"{problem.place}: {problem.fact}", problem.fix or "try again later"
        return Check(subject=subject, level=Level.PROBLEM, fact=fact, fix=fix)
    if stop.reason is StopReason.UNAUTHORIZED:
        subject = "API key"
    fix = stop.problem.fix.removesuffix(RESUME)  # here is nothing to resume
    return Check(subject=subject, level=Level.PROBLEM, fact=stop.problem.fact, fix=fix)


async def _storage_check(client: RunsClient, region: str) -> Check:
    subject = f"storage in {region}"
    try:
        is_enabled = await Storage(client).is_enabled(region)
    except ApiError as error:
        problem = error.problems[0]
        fix = problem.fix or "use s3:// URIs instead of local files"
        return Check(subject=subject, level=Level.PROBLEM, fact=f"{problem.place}: {problem.fact}", fix=fix)
    if not is_enabled:
        fix = "use s3:// URIs instead of local files, or use another region"
        return Check(subject=subject, level=Level.PROBLEM, fact="not enabled", fix=fix)
    return Check(subject=subject, level=Level.OK, fact="reachable")
