"""Answers, found by read requests, to questions that the service's documentation leaves open.

The findings are meant to be pasted into an issue: counts, statuses and yes or no, never a name, an id or a key.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from batchrun.errors import ApiError
from batchrun.wherobots.client import MAX_PAGE_SIZE, RunsClient
from batchrun.wherobots.enums import RunStatus
from batchrun.wherobots.summaries import RunSummary

__all__ = ["Probed", "probe"]

FINAL = frozenset(status.value for status in RunStatus if status.is_final)


@dataclass(frozen=True, slots=True)
class Probed:
    """A question and its answer."""

    question: str
    answer: str


async def probe(client: RunsClient) -> AsyncIterator[Probed]:
    """Answer every question that read requests can; a refused call is an answer too."""
    try:
        page = await client.list_page(size=MAX_PAGE_SIZE)
    except ApiError as error:
        yield Probed("list runs", _refusal(error))
        return
    runs = page.items
    yield Probed("order of the list", _order(runs))
    yield Probed("size=0 returns only the total", await _size_zero(client))
    yield Probed("a page has as many runs as requested", _yes(len(runs) == min(MAX_PAGE_SIZE, page.total or 0)))
    if name := next((run.name for run in runs if run.name), None):
        yield Probed("a bare name matches by substring", await _is_substring(client, name))
        yield Probed("PREFIX* matches", await _matches_prefix(client, name))
    yield Probed("a status filter is applied", await _filters_status(client))
    for path in ("/organization", "/organization/quota/organization", "/me/jupyter/lab/config-hint", "/storage"):
        yield Probed(f"GET {path}", await _is_readable(client, path))
    if (ended := next((run for run in runs if run.status in FINAL), None)) is not None:
        async for found in _of_ended_run(client, ended):
            yield found
    offset_s = client.clock.offset_s
    yield Probed("offset of the clocks", "unknown" if offset_s is None else f"{round(offset_s)} s")


async def _of_ended_run(client: RunsClient, run: RunSummary) -> AsyncIterator[Probed]:
    yield Probed("GET /runs/{id}/metrics of an ended run", await _is_readable(client, f"/runs/{run.id}/metrics"))
    yield Probed(
        "GET /runs/{id}/logs of an ended run", await _is_readable(client, f"/runs/{run.id}/logs?cursor=0&size=1")
    )
    try:
        detail = msgspec.json.decode(await client.ask("GET", f"/runs/{run.id}"))
        app = detail.get("kubeApp") if isinstance(detail, dict) else None
        app_id = app.get("id") if isinstance(app, dict) else None
    except (ApiError, msgspec.DecodeError):
        app_id = None
    if not isinstance(app_id, str):
        yield Probed("POST /usage/costs", "not checked: no kubeApp id is listed")
        return
    body = msgspec.json.encode({"kubeAppIds": [app_id]})
    yield Probed("POST /usage/costs", await _is_readable(client, "/usage/costs", method="POST", body=body))


def _order(runs: list[RunSummary]) -> str:
    times = [run.create_time for run in runs if run.create_time]
    if len(set(times)) < 2:  # noqa: PLR2004 - one time has no order
        return "needs at least two runs"
    if times == sorted(times, reverse=True):
        return "newest first"
    return "oldest first" if times == sorted(times) else "neither newest nor oldest first"


async def _size_zero(client: RunsClient) -> str:
    try:
        page = await client.list_page(size=0)
    except ApiError as error:
        return _refusal(error)
    return f"{_yes(page.total is not None and not page.items)} ({len(page.items)} items)"


async def _is_substring(client: RunsClient, name: str) -> str:
    part = name[1:-1]  # both ends cut off, so that a match by prefix is not taken for one by substring
    try:
        page = await client.list_page(name=part, size=MAX_PAGE_SIZE)
    except ApiError as error:
        return _refusal(error)
    return _yes(any(run.name == name for run in page.items))


async def _matches_prefix(client: RunsClient, name: str) -> str:
    try:
        page = await client.list_page(name=f"{name[:-1]}*", size=MAX_PAGE_SIZE)
    except ApiError as error:
        return _refusal(error)
    return _yes(any(run.name == name for run in page.items))


async def _filters_status(client: RunsClient) -> str:
    try:
        page = await client.list_page(status=["COMPLETED"], size=MAX_PAGE_SIZE)
    except ApiError as error:
        return _refusal(error)
    return (
        _yes(all(run.status == "COMPLETED" for run in page.items))
        if page.items
        else "no completed run to test this with"
    )


async def _is_readable(client: RunsClient, path: str, *, method: str = "GET", body: bytes | None = None) -> str:
    try:
        await client.ask(method, path, body, place=path.partition("?")[0])
    except ApiError as error:
        return _refusal(error)
    return "readable"


def _refusal(error: ApiError) -> str:
    trouble = error.trouble
    # The code alone, and only one that looks like the API's own: a message may quote names or ids.
    code = f" ({trouble.code})" if trouble.code and trouble.code.isupper() else ""
    return f"refused: HTTP {trouble.status}{code}" if trouble.status is not None else "no usable response"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
