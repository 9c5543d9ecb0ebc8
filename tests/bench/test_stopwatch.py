"""What is timed, and from when on."""

from array import array
from collections.abc import Mapping

import pytest

from batchrun.bench.stopwatch import Stopwatch
from batchrun.wherobots.transport import SMALL_BYTES, Reply, SendTrace


class Clock:
    """A clock that only the test moves: how busy the machine is changes nothing."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def perf_counter(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("batchrun.bench.stopwatch.time", found)
    return found


class Service:
    """A transport whose replies have a given delay and status."""

    route = ""

    def __init__(self, clock: Clock, *replies: tuple[float, int | None]) -> None:
        self._clock, self._replies = clock, list(replies)

    async def open(self, headers: Mapping[str, str]) -> None: ...

    async def close(self) -> None: ...

    async def send(
        self, method: str, url: str, body: bytes | None, trace: SendTrace, *, most_bytes: int = SMALL_BYTES
    ) -> Reply:
        del method, url, body, trace, most_bytes
        seconds, status = self._replies.pop(0)
        self._clock.wait(seconds)
        if status is None:
            raise ConnectionResetError
        return Reply(status, {}, b"")


async def post(stopwatch: Stopwatch, body: bytes) -> None:
    await stopwatch.send("POST", "/runs", body, SendTrace())


async def test_a_run_that_is_tried_again_takes_from_its_first_sending_to_the_reply_that_created_it(
    clock: Clock,
) -> None:
    stopwatch = Stopwatch(Service(clock, (0.02, 429), (0.03, 201)))
    await post(stopwatch, b"run")
    clock.wait(0.05)
    await post(stopwatch, b"run")
    [run] = stopwatch.run_latencies_s()
    assert run == pytest.approx(0.1)
    assert list(stopwatch.responses_s) == [pytest.approx(0.02), pytest.approx(0.03)]


async def test_an_answer_that_is_lost_has_no_time_and_neither_has_its_run(clock: Clock) -> None:
    stopwatch = Stopwatch(Service(clock, (0.0, None)))
    with pytest.raises(ConnectionResetError):
        await post(stopwatch, b"run")
    assert (list(stopwatch.run_latencies_s()), list(stopwatch.responses_s)) == ([], [])


async def test_a_run_that_was_found_later_took_until_then(clock: Clock) -> None:
    stopwatch = Stopwatch(Service(clock, (0.0, None)))
    began = clock.now_s
    with pytest.raises(ConnectionResetError):
        await post(stopwatch, b"run")
    stopwatch.mark_found(b"run", began + 3.0)
    assert list(stopwatch.run_latencies_s()) == [pytest.approx(3.0)]
    assert (stopwatch.attempts, stopwatch.runs) == (1, 1)


async def test_a_look_at_the_list_is_not_timed(clock: Clock) -> None:
    stopwatch = Stopwatch(Service(clock, (0.0, 200)))
    await stopwatch.send("GET", "/runs", None, SendTrace())
    assert (list(stopwatch.run_latencies_s()), list(stopwatch.responses_s)) == ([], [])


async def test_at_a_rate_the_waiting_of_a_client_that_fell_behind_is_not_hidden(clock: Clock) -> None:
    stopwatch = Stopwatch(Service(clock, *[(0.05, 201)] * 4))
    for number in range(4):
        await post(stopwatch, b"%d" % number)  # one after the other: 20 a second at most
    at_rate = array("d", stopwatch.run_latencies_s(100.0))
    assert all(one == pytest.approx(0.05) for one in stopwatch.run_latencies_s())
    assert list(at_rate) == pytest.approx([0.05, 0.09, 0.13, 0.17])


async def test_at_a_rate_that_is_kept_no_run_has_waited(clock: Clock) -> None:
    stopwatch = Stopwatch(Service(clock, *[(0.0, 201)] * 5))
    for number in range(5):
        await post(stopwatch, b"%d" % number)
        clock.wait(0.02)
    assert max(stopwatch.run_latencies_s(50.0)) == pytest.approx(0.0, abs=1e-9)
