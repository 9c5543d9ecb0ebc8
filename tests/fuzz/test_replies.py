"""Whatever a service replies ends in a value or an ApiError, bounded in size and without the key."""

import json
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import anyio
import httpx
import msgspec
import pytest
from hypothesis import strategies as st
from pydantic import SecretStr

from batchrun.engine.verdicts import judge
from batchrun.errors import ApiError
from batchrun.redaction import Secrets
from batchrun.wherobots.account import Account
from batchrun.wherobots.answers import Created, Refused, Unreadable
from batchrun.wherobots.billing import Billing
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.clock import LARGEST_OFFSET_S, ServerClock
from batchrun.wherobots.identity import is_same_payload, payload_differences
from batchrun.wherobots.rate_headers import rate_hint
from batchrun.wherobots.reply_reader import ReplyReader
from batchrun.wherobots.retry_after import retry_after_s
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.storage import Storage
from batchrun.wherobots.transport import Reply
from tests.fuzz.inputs import KEY, documents, fuzzed, mangled, texts, values

RUN: dict[str, Any] = {
    "id": "gt3oirei5widjk",
    "createTime": "2026-11-25T18:46:09.888931Z",
    "updateTime": "2026-11-25T18:46:09.888931Z",
    "name": "fleet-mapmatch-silver",
    "status": "FAILED",
    "startTime": None,
    "completeTime": "2026-11-25T18:49:09Z",
    "triggeredBy": {"id": "c", "createTime": "2024-01-01T00:00:00Z", "updateTime": "2024-01-01T00:00:00Z", "roles": []},
    "kubeApp": {
        "id": "app-1",
        "status": "DESTROYED",
        "message": "OutOfMemoryError",
        "events": [{"id": "e", "code": "RUN_FAIL_EXEC", "message": "timeout", "createTime": "2026-11-25T18:49:09Z"}],
    },
    "payload": {"runtime": "tiny", "name": "fleet-mapmatch-silver", "runPython": {"uri": "s3://b/j.py", "args": ["a"]}},
}
PAGE = {"items": [RUN, RUN], "total": 2, "next_page": "cursor"}
ERROR = {"errors": [{"code": "CONFLICT_ERROR", "message": "no", "path": "body", "field": "f", "suggestion": "wait"}]}
OTHERS: list[Any] = [
    RUN,
    PAGE,
    ERROR,
    {"id": "organization", "plan": "PROFESSIONAL", "allowedRegions": ["r"], "wherobotsCloudFeatures": ["RUNS"]},
    {"CPU": 10, "WORKLOAD_LIFETIME_HOUR": 2},
    {"runtimes": {"hint": [{"id": "tiny", "maximumSpatialUnitsPerHour": 5}]}, "regions": {"hint": [{"regionName": "r"}]}},
    {"destination": "s3://b/p", "uploadUrl": "https://example.com/x?signature=1"},
    {"items": [{"name": "job.py", "path": "a/job.py", "type": "FILE", "size": 7}], "path": "a", "name": "a"},
    {"items": [{"timestamp": "2026-11-25T18:46:09Z", "raw": "line"}], "current_page": "0", "next_page": "1"},
    {"costs": {"app-1": {"kind": "available", "kube_app_id": "app-1", "cost": "0.5", "currency": "USD",
                         "spatial_units": "1", "status": "final", "settled_at": None}}},
    {"series_metrics": {}, "instant_metrics": {"COST_USD": {"metric": {"data": {"value": 0.5, "timestamp": 1}}}}},
]  # fmt: skip
HEADERS = {
    "Retry-After": ("5.2", "-1", "1e400", "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "9" * 400),
    "Date": ("Wed, 25 Nov 2026 18:46:09 GMT", "Wed, 99 Nov 2026 18:46:09 GMT", "Thu, 01 Jan 1970 00:00:00 -9999"),
    "RateLimit": ('"default";r=5;t=1', "limit=10, remaining=5, reset=1e999", ";;;=,", "r=-1;t=nan"),
    "RateLimit-Policy": ('"burst";q=100;w=60', "10;w=1, 100;w=0", '"x";q=1e308;w=1e-308'),
    "X-RateLimit-Limit": ("10", "0", "-5", "1e999"),
    "X-RateLimit-Remaining": ("0", "nan"),
    "X-RateLimit-Reset": ("1e12", "0", "-1"),
    "Location": ("https://example.com/login?key=" + KEY, "\x1b[31m"),
}


def bodies(*valid: Any) -> st.SearchStrategy[bytes]:
    """A body that is JSON of a nearly right shape, or bytes that nearly are."""
    encoded = [json.dumps(one).encode() for one in valid]
    return st.one_of(documents(*valid).map(lambda one: json.dumps(one).encode()), mangled(*encoded))


@st.composite
def headers(draw: st.DrawFn) -> httpx.Headers:
    found: list[tuple[bytes, bytes]] = []
    for name in draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=4, unique=True)):
        text = draw(st.one_of(st.sampled_from(HEADERS[name]), st.text(st.characters(codec="latin-1"), max_size=20)))
        found.append((name.encode(), text.encode("latin-1", "replace")))
    return httpx.Headers(found)


def replies(*valid: Any) -> st.SearchStrategy[Reply]:
    statuses = st.one_of(
        st.sampled_from((200, 201, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 503)), st.integers(200, 999)
    )
    return st.builds(Reply, statuses, headers(), bodies(*valid), st.one_of(st.none(), texts()))


def reader() -> ReplyReader:
    return ReplyReader(Secrets((KEY,)), ServerClock())


@fuzzed(replies(RUN, ERROR, PAGE))
def test_an_answer_to_a_creation_is_a_value_that_can_be_judged_and_kept(reply: Reply) -> None:
    answer = reader().answer(reply)
    assert isinstance(answer, Created | Unreadable | Refused)
    assert isinstance(answer, Refused) or 200 <= reply.status < 300
    assert KEY not in repr(answer)
    assert len(repr(answer)) < 12_000
    for may_exist in (True, False):
        judge(answer, may_exist=may_exist)


@fuzzed(bodies(PAGE, RUN))
def test_a_page_is_read_or_refused(body: bytes) -> None:
    try:
        page = reader().page(body, "GET /runs")
    except ApiError as error:
        refused(error)
        return
    assert page.total is None or 0 <= page.total <= 10**9
    for run in page.items:
        reader().app(run)
        if run.payload is not None:
            sent = json.dumps(RUN["payload"]).encode()
            is_same_payload(sent, run.payload)
            list(payload_differences(sent, run.payload))


@fuzzed(headers())
def test_times_and_limits_in_headers_are_finite_and_bounded(found: httpx.Headers) -> None:
    wait_s = retry_after_s(found.get("Retry-After"), now=1.8e9)
    assert wait_s is None or 0 <= wait_s < math.inf
    hint = rate_hint(found, now=1.8e9)
    if hint is not None:
        assert all(number is None or math.isfinite(number) for number in vars_of(hint))
    clock = ServerClock()
    clock.read(found.get("Date"))
    assert clock.offset_s is None or abs(clock.offset_s) <= LARGEST_OFFSET_S


@fuzzed(values(), st.sampled_from(OTHERS))
def test_secrets_are_masked_in_any_json(value: Any, other: Any) -> None:
    cleaned = Secrets((KEY,)).clean_tree({"any": value, "other": other})
    assert KEY not in json.dumps(cleaned)


class Scripted:
    """A transport that gives one reply, again and again."""

    route = ""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.sent = 0

    async def open(self, headers: Mapping[str, str]) -> None: ...
    async def close(self) -> None: ...

    async def send(self, *_: object, **__: object) -> Reply:
        self.sent += 1
        return self._reply


async def _runs(client: RunsClient) -> None:
    async for run in client.list_runs():
        client.app(run)


CALLS: dict[str, Callable[[RunsClient], Awaitable[object]]] = {
    "get": lambda client: client.get("x"),
    "find": lambda client: client.find("x"),
    "organization": lambda client: client.organization_id(),
    "cancel": lambda client: client.cancel("x"),
    "logs": lambda client: client.logs("x"),
    "metrics": lambda client: client.metrics("x"),
    "list": _runs,
    "account": lambda client: Account(client).organization(),
    "quotas": lambda client: Account(client).quotas(),
    "hints": lambda client: Account(client).hints(),
    "ticket": lambda client: Storage(client).ticket("r", "a/b"),
    "folder": lambda client: Storage(client).holds("r", "a", "b", 1),
    "storage": lambda client: Storage(client).is_enabled("r"),
    "costs": lambda client: Billing(client).costs(["app-1"]),
}


@pytest.fixture(scope="module")
def portal() -> Iterator[anyio.from_thread.BlockingPortal]:
    with anyio.from_thread.start_blocking_portal() as running:
        yield running


@pytest.mark.parametrize("call", CALLS)
@fuzzed(replies(*OTHERS))
def test_every_call_ends_in_a_value_or_an_api_error(
    call: str, portal: anyio.from_thread.BlockingPortal, reply: Reply
) -> None:
    transport = Scripted(reply)

    async def ask() -> object:
        async with RunsClient(ApiSettings(api_key=SecretStr(KEY), base_url="http://127.0.0.1:1"), transport) as client:
            return await CALLS[call](client)

    try:
        found = portal.call(ask)
    except ApiError as error:
        refused(error)
    else:
        assert KEY not in repr(found)
    assert transport.sent <= 2


def refused(error: ApiError) -> None:
    """What can be shown of a refusal is short, has no key in it, and fits on one line."""
    text = str(error)
    assert KEY not in text
    assert len(text) < 6_000


def vars_of(hint: object) -> list[float | None]:
    return [getattr(hint, name) for name in (getattr(hint, "__dataclass_fields__", None) or hint.__struct_fields__)]  # type: ignore[attr-defined]  # a dataclass or a Struct


def test_the_scripted_reply_is_read_at_all() -> None:
    answer = reader().answer(Reply(201, httpx.Headers(), msgspec.json.encode(RUN), None))
    assert isinstance(answer, Created)
