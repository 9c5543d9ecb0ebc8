import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from batchrun.wherobots.answers import Created, Refused
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.rate_headers import RateHint, rate_hint
from batchrun.wherobots.settings import ApiSettings

NOW = 1_790_000_000.0
NAMES = ["RateLimit", "RateLimit-Policy", "RateLimit-Limit", "X-RateLimit-Limit", "X-RateLimit-Reset"]


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        (
            {"RateLimit-Policy": '"default";q=100;w=60', "RateLimit": '"default";r=50;t=30'},
            RateHint(limit=100, window_s=60, remaining=50, reset_s=30),
        ),
        ({"RateLimit-Policy": '"burst";q=10;w=1, "day";q=5000;w=86400'}, RateHint(limit=10, window_s=1)),
        (
            {"RateLimit": "limit=100, remaining=50, reset=5"},
            RateHint(limit=100, remaining=50, reset_s=5),
        ),
        (
            {"RateLimit-Limit": "10, 10;w=1", "RateLimit-Remaining": "9", "RateLimit-Reset": "1"},
            RateHint(limit=10, window_s=1, remaining=9, reset_s=1),
        ),
        ({"RateLimit-Policy": "10;w=1"}, RateHint(limit=10, window_s=1)),
        (
            {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790000012"},
            RateHint(limit=5000, remaining=0, reset_s=12),
        ),
        ({"X-RateLimit-Reset": "soon"}, RateHint()),
    ],
)
def test_every_form_is_parsed(headers: dict[str, str], hint: RateHint) -> None:
    assert rate_hint(headers, now=NOW) == hint


def test_without_a_header_there_is_no_hint() -> None:
    assert rate_hint({}, now=NOW) is None


def test_a_policy_gives_a_rate() -> None:
    assert RateHint(limit=120, window_s=60).rate_per_s == 2.0
    assert RateHint(limit=120).rate_per_s is None
    assert RateHint(limit=120, window_s=0).rate_per_s is None


@given(st.dictionaries(st.sampled_from(NAMES), st.text()))
def test_no_header_value_raises_or_gives_an_unbounded_wait(headers: dict[str, str]) -> None:
    hint = rate_hint(headers, now=NOW)
    assert hint is None or hint.reset_s is None or 0.0 <= hint.reset_s <= 86_400.0


@pytest.mark.parametrize("status", [201, 429])
async def test_the_client_returns_the_hint_with_every_answer(status: int) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"id": "r", "status": "PENDING"}, headers={"RateLimit-Policy": "10;w=1"})

    settings = ApiSettings(api_key=SecretStr("key"), base_url="http://127.0.0.1:1")
    async with RunsClient(settings, httpx.MockTransport(answer)) as client:
        created = await client.create("aws-us-west-2", b"{}")
    assert isinstance(created, Created | Refused)
    assert created.hint == RateHint(limit=10, window_s=1)
