"""The first signal drains; one that follows it at once is an echo."""

import os
import signal

import anyio
import pytest

from batchrun.cli.interrupts import SAME_WITHIN_S, is_repeat, run_interruptible
from batchrun.engine.stopping import Stop, StopReason, StopSwitch
from batchrun.errors import LedgerWriteError


class Person:
    """Who is notified, and whose terminal is cleaned up."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.cleaned_up = False

    def clean_up(self) -> None:
        self.cleaned_up = True


async def drain(switch: StopSwitch) -> Stop | None:
    await switch.wait_pulled()
    await anyio.sleep(0.05)  # in-flight attempts finish
    return switch.stop


@pytest.mark.parametrize(
    ("number", "reason", "place"),
    [
        (signal.SIGINT, StopReason.INTERRUPTED, "Ctrl-C"),
        (signal.SIGTERM, StopReason.TERMINATED, "SIGTERM"),
        (signal.SIGHUP, StopReason.TERMINATED, "SIGHUP"),
    ],
)
async def test_a_signal_pulls_the_switch_and_the_work_finishes(
    number: signal.Signals, reason: StopReason, place: str
) -> None:
    person = Person()

    async def work(switch: StopSwitch) -> Stop | None:
        await anyio.sleep(0.01)  # the receiver is installed by now
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # the echo: it must not end this process
        return await drain(switch)

    stop = await run_interruptible(work, person.notes.append, person.clean_up)
    assert stop is not None
    assert (stop.reason, stop.problem.place) == (reason, place)
    assert person.notes == ["stopping: in-flight attempts finish first; press Ctrl-C again to stop immediately"]
    assert not person.cleaned_up


async def test_a_hangup_that_follows_another_one_is_not_a_second_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchrun.cli.interrupts.SAME_WITHIN_S", 0)

    async def work(switch: StopSwitch) -> Stop | None:
        await anyio.sleep(0.01)
        for _ in range(3):  # the kernel's, the shell's, and one more
            os.kill(os.getpid(), signal.SIGHUP)
            await anyio.sleep(0.01)
        return switch.stop

    assert await run_interruptible(work, print, print) is not None


async def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does

    async def work(switch: StopSwitch) -> bool:
        await anyio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGHUP)
        await anyio.sleep(0.01)
        return switch.is_pulled

    try:
        assert await run_interruptible(work, print, print) is False
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_without_a_signal_the_result_comes_back_and_the_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGINT)

    async def work(switch: StopSwitch) -> bool:
        return switch.is_pulled

    assert await run_interruptible(work, print, print) is False
    assert signal.getsignal(signal.SIGINT) is before


async def test_an_error_comes_back_as_itself_and_not_in_a_group() -> None:
    async def work(_: StopSwitch) -> None:
        raise LedgerWriteError("a.ledger.jsonl", "the disk is full")

    with pytest.raises(LedgerWriteError, match="the disk is full"):
        await run_interruptible(work, print, print)


def test_a_signal_is_an_echo_only_right_after_the_first() -> None:
    assert is_repeat(10.0, 10.0)
    assert is_repeat(10.0, 10.0 + SAME_WITHIN_S * 0.99)
    assert not is_repeat(10.0, 10.0 + SAME_WITHIN_S * 1.01)
