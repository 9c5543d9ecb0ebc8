"""Clocks that are wrong, and ``Date`` headers that are worse."""

import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from batchrun.emulator.clock import date_header, server_time
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings

Service = Callable[..., httpx.AsyncClient]
HOURS = 3600.0


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_date_is_that_of_the_servers_clock_plus_its_own_offset() -> None:
    settings = EmulatorSettings(clock_offset_s=5 * HOURS, date_offset_s=-2 * HOURS)
    assert server_time(settings) == pytest.approx(time.time() + 5 * HOURS, abs=1)
    date = date_header(settings, 1)
    assert date is not None
    assert parsedate_to_datetime(date).timestamp() == pytest.approx(time.time() + 3 * HOURS, abs=2)


def test_a_date_may_be_missing_or_absurd() -> None:
    assert date_header(EmulatorSettings(date_header="none"), 1) is None
    dates = [date_header(EmulatorSettings(date_header="odd"), number) for number in range(10)]
    assert dates[:5] == dates[5:]
    assert len(set(dates)) == 5
    assert "Fri, 31 Dec 9999 23:59:59 GMT" in dates


@pytest.mark.parametrize("offset_s", [-1e9, 1e9])
def test_every_allowed_offset_gives_a_date(offset_s: float) -> None:
    settings = EmulatorSettings(clock_offset_s=offset_s, date_offset_s=offset_s)
    assert (date_header(settings, 1) or "").endswith("GMT")


@pytest.mark.parametrize("offset_s", [-5 * HOURS, 5 * HOURS])
async def test_a_wrong_clock_is_wrong_everywhere(service: Service, payload: dict[str, Any], offset_s: float) -> None:
    client = service(clock_offset_s=offset_s, startup_s=0, run_s=0, retry_after="date")
    answer = await client.post("/runs", params={"region": "r"}, json=payload)
    now = time.time() + offset_s
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() == pytest.approx(now, abs=2)
    assert epoch(answer.json()["createTime"]) == pytest.approx(now, abs=2)
    run = (await client.get(f"/runs/{answer.json()['id']}")).json()
    assert run["status"] == "COMPLETED"
    assert epoch(run["completeTime"]) == pytest.approx(now, abs=2)
    for after, count in ((now - 60, 1), (now + 60, 0)):
        query = {"created_after": datetime.fromtimestamp(after).astimezone().isoformat()}
        assert (await client.get("/runs", params=query)).json()["total"] == count
    await client.put("/_emulator/config", json={"rate_limit_per_s": 0.1})
    answers = [await client.get("/runs") for _ in range(2)]
    wait = parsedate_to_datetime(answers[1].headers["retry-after"]).timestamp() - now
    assert 8 < wait < 13


async def test_a_date_that_alone_is_wrong_changes_no_timestamp(service: Service, payload: dict[str, Any]) -> None:
    client = service(date_offset_s=5 * HOURS)
    answer = await client.post("/runs", params={"region": "r"}, json=payload)
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() > time.time() + 4 * HOURS
    assert epoch(answer.json()["createTime"]) == pytest.approx(time.time(), abs=2)


async def test_a_clock_that_steps_back_creates_no_run_before_an_earlier_one(
    service: Service, payload: dict[str, Any]
) -> None:
    client = service()
    first = (await client.post("/runs", params={"region": "r"}, json=payload)).json()
    await client.put("/_emulator/config", json={"clock_offset_s": -60})
    second = (await client.post("/runs", params={"region": "r"}, json=payload)).json()
    assert second["createTime"] == first["createTime"]


def test_on_a_socket_there_is_exactly_the_configured_date() -> None:
    for settings, count in ((EmulatorSettings(), 1), (EmulatorSettings(date_header="none"), 0)):
        with EmulatorServer(settings) as server:
            answer = httpx.get(f"{server.url}/runs", headers={"X-API-Key": "k"})
        assert len(answer.headers.get_list("date")) == count
