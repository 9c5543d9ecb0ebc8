"""The emulator in a separate process lives exactly as long as its parent."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from batchrun.emulator.process import EmulatorProcess

STARTS_ONE = """
import sys, time
from batchrun.emulator.process import EmulatorProcess
with EmulatorProcess() as emulator:
    print(emulator.url, flush=True)
    time.sleep(60)
"""


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_emulator/stats", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def test_it_serves_until_the_context_ends() -> None:
    with EmulatorProcess() as emulator:
        assert answers(emulator.url)
    assert not answers(emulator.url)


@pytest.mark.slow
def test_it_ends_when_the_process_that_started_it_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS_ONE], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        assert answers(url)
        os.kill(starter.pid, signal.SIGKILL)
        starter.wait()
    until = time.monotonic() + 10
    while answers(url):
        assert time.monotonic() < until
        time.sleep(0.05)
