"""The responses of refusing faults, by value."""

import json
from typing import Any

import pytest
from starlette.types import Message

from batchrun.emulator.faults.exchange import Exchange
from batchrun.emulator.faults.fault_responses import REFUSALS, refusal, server_error
from batchrun.emulator.settings import EmulatorSettings


async def no_message() -> Message:
    raise AssertionError("a response is made without reading the request")


async def discard(message: Message) -> None:
    del message


def exchange(number: int = 1, **settings: Any) -> Exchange:
    scope = {"type": "http", "state": {"request_id": "req-7"}}
    return Exchange(settings=EmulatorSettings(**settings), number=number, scope=scope, receive=no_message, send=discard)


@pytest.mark.parametrize("fault", REFUSALS)
def test_every_refusal_is_an_error_body_with_the_request_id(fault: str) -> None:
    response = refusal(fault, exchange())
    body = json.loads(bytes(response.body))
    assert body["requestId"] == "req-7"
    assert body["errors"][0]["code"] == REFUSALS[fault].code
    assert ("retry-after" in response.headers) == (fault in {"rate_limit", "unavailable"})
    assert ("location" in response.headers) == (fault == "redirect")


def test_the_status_of_a_quota_error_is_a_setting() -> None:
    assert refusal("quota", exchange(quota_status=429)).status_code == 429


def test_an_overloaded_service_sends_retry_after_whatever_form_limits_use() -> None:
    assert refusal("unavailable", exchange(retry_after="none")).headers["retry-after"] == "1"
    assert "retry-after" not in refusal("rate_limit", exchange(retry_after="none")).headers


def test_server_errors_use_every_configured_status_and_depend_on_the_seed_only() -> None:
    statuses = [server_error(exchange(number, error_statuses=(500, 502, 504))).status_code for number in range(60)]
    assert set(statuses) == {500, 502, 504}
    again = [server_error(exchange(number, error_statuses=(500, 502, 504))).status_code for number in range(60)]
    assert again == statuses


def test_only_a_500_carries_an_error_body() -> None:
    assert server_error(exchange()).media_type == "application/json"
    page = server_error(exchange(error_statuses=(503,)))
    assert page.media_type == "text/html"
    assert b"503" in bytes(page.body)
