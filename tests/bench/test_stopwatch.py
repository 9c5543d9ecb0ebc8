"""What is timed, and from when on."""

import time
from array import array
from collections.abc import Mapping

import anyio
import pytest

from batchrun.bench.stopwatch import Stopwatch
from batchrun.wherobots.transport import SMALL_BYTES, Reply, SendTrace


class Service:
    """A transport whose replies have a given delay and status."""

    route = ""

    def __init__(self, *replies: tuple[float, int | None]) -> None:
        self._replies = list(replies)

    async def open(self, headers: Mapping[str, str]) -> None: ...

    async def close(self) -> None: ...

    async def send(
        self, method: str, url: str, body: bytes | None, trace: SendTrace, *, most_bytes: int = SMALL_BYTES
    ) -> Reply:
        del method, url, body, trace, most_bytes
        seconds, status = self._replies.pop(0)
        await anyio.sleep(seconds)
        if status is None:
            raise ConnectionResetError
        return Reply(status, {}, b"")


async def post(stopwatch: Stopwatch, body: bytes) -> None:
    await stopwatch.send("POST", "/runs", body, SendTrace())


async def test_a_run_that_is_tried_again_takes_from_its_first_sending_to_the_reply_that_created_it() -> None:
    stopwatch = Stopwatch(Service((0.02, 429), (0.03, 201)))
    await post(stopwatch, b"run")
    await anyio.sleep(0.05)
    await post(stopwatch, b"run")
    [run] = stopwatch.run_latencies_s()
    assert run == pytest.approx(0.1, abs=0.04)
    assert list(stopwatch.responses_s) == [pytest.approx(0.02, abs=0.02), pytest.approx(0.03, abs=0.02)]


async def test_an_answer_that_is_lost_has_no_time_and_neither_has_its_run() -> None:
    stopwatch = Stopwatch(Service((0.0, None)))
    with pytest.raises(ConnectionResetError):
        await post(stopwatch, b"run")
    assert (list(stopwatch.run_latencies_s()), list(stopwatch.responses_s)) == ([], [])


async def test_a_run_that_was_found_later_took_until_then() -> None:
    stopwatch = Stopwatch(Service((0.0, None)))
    began = time.perf_counter()
    with pytest.raises(ConnectionResetError):
        await post(stopwatch, b"run")
    stopwatch.mark_found(b"run", began + 3.0)
    assert list(stopwatch.run_latencies_s()) == [pytest.approx(3.0, abs=0.1)]
    assert (stopwatch.attempts, stopwatch.runs) == (1, 1)


async def test_a_look_at_the_list_is_not_timed() -> None:
    stopwatch = Stopwatch(Service((0.0, 200)))
    await stopwatch.send("GET", "/runs", None, SendTrace())
    assert (list(stopwatch.run_latencies_s()), list(stopwatch.responses_s)) == ([], [])


async def test_at_a_rate_the_waiting_of_a_client_that_fell_behind_is_not_hidden() -> None:
    stopwatch = Stopwatch(Service(*[(0.05, 201)] * 4))
    for number in range(4):
        await post(stopwatch, b"%d" % number)  # one after the other: 20 a second at most
    at_rate = array("d", stopwatch.run_latencies_s(100.0))
    assert all(one == pytest.approx(0.05, abs=0.02) for one in stopwatch.run_latencies_s())
    assert list(at_rate) == pytest.approx([0.05, 0.09, 0.13, 0.17], abs=0.04)


async def test_at_a_rate_that_is_kept_no_run_has_waited() -> None:
    stopwatch = Stopwatch(Service(*[(0.0, 201)] * 5))
    for number in range(5):
        await post(stopwatch, b"%d" % number)
        await anyio.sleep(0.02)
    assert max(stopwatch.run_latencies_s(50.0)) < 0.05
