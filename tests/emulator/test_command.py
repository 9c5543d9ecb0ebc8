"""The installed command: greeting, settings, shutdown."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.e2e


@contextmanager
def command(*flags: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``batchrun emulator`` in another process, and the address it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "batchrun", "emulator", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        found = re.search(r"https?://\S+", process.stdout.readline())
        assert found is not None
        yield process, found.group()
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_settings_and_stops_gracefully(number: signal.Signals) -> None:
    with command("--rate-limit", "50", "--fault", "conflict=1@5-9", "--set", "error_statuses=[500, 503]") as (one, url):
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{url}/_emulator/config").json()["rate_limit_per_s"] == 50
        one.send_signal(number)
        out, err = one.communicate(timeout=10)
    assert one.returncode == 0
    assert out == ""
    for line in ("fault conflict = 1@5-9", "rate_limit_per_s = 50.0", "error_statuses = (500, 503)", "stopping"):
        assert line in err
    assert "Traceback" not in err


def test_a_killed_emulator_with_a_state_file_loses_nothing(tmp_path: Path, payload: dict[str, Any]) -> None:
    state = ("--state", str(tmp_path / "runs.sqlite"))
    with command(*state) as (process, url):
        for _ in range(20):
            httpx.post(f"{url}/runs?region=r", json=payload, headers={"X-API-Key": "k"}).raise_for_status()
        before = [line.split(",")[0] for line in httpx.get(f"{url}/_emulator/runs").text.splitlines()]
        process.kill()
        process.wait()
    with command(*state) as (_, url):
        after = [line.split(",")[0] for line in httpx.get(f"{url}/_emulator/runs").text.splitlines()]
    assert after == before
    assert len(after) == 20


def test_the_key_comes_from_the_environment_and_is_never_shown() -> None:
    with command(BATCHRUN_EMULATOR_API_KEY="very-secret") as (process, url):
        statuses = [httpx.get(f"{url}/runs", headers={"X-API-Key": key}).status_code for key in ("x", "very-secret")]
        assert statuses == [401, 200]
        process.send_signal(signal.SIGINT)
        assert "very-secret" not in "".join(process.communicate(timeout=10))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--fault", "confict=1"], "did you mean conflict?"),
        (["--fault", "conflict"], "use --fault NAME=VALUE"),
        (["--speed", "0"], "speed"),
        (["--config", "missing.toml"], "missing.toml"),
    ],
)
def test_an_invalid_setting_prevents_the_start(flags: list[str], message: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "batchrun", "emulator", *flags],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
