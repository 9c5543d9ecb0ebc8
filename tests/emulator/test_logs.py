"""Logs: what is written, when it can be read, and the habits of cursors."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from batchrun.emulator.runs.lifecycle import StoredRun
from batchrun.emulator.runs.logs import log_of, log_page
from batchrun.emulator.runs.store import RunStore
from batchrun.emulator.settings import EmulatorSettings, load_settings
from batchrun.wherobots.views import LogItem

Service = Callable[..., httpx.AsyncClient]
T = 1_000_000.0
HABITS = ["lines", "bytes", "milliseconds"]


def logged(**settings: Any) -> tuple[StoredRun, EmulatorSettings, RunStore]:
    """A run that starts at once and takes ten seconds."""
    loaded = load_settings(None, {"startup_s": 0, "run_s": 10, **settings})
    store = RunStore(loaded)
    run = store.commit(name="some-run", region="r", runtime="tiny", timeout_s=3600, payload=b"{}", now=T)
    return run, loaded, store


def texts(run: StoredRun, settings: EmulatorSettings) -> list[str]:
    log = log_of(run, settings)
    return [log.text(number) for number in range(log.lines)]


def followed(run: StoredRun, settings: EmulatorSettings, size: int) -> list[str]:
    """What a careful client reads while the run is active: it drops what it has seen of the last timestamp."""
    lines: list[str] = []
    seen: list[LogItem] = []
    cursor, now = 0, T
    while True:
        page = log_page(run, settings, now, cursor=cursor, size=size)
        is_repeated = settings.log_cursor == "milliseconds" and page.items[: len(seen)] == seen
        lines += [item.raw for item in (page.items[len(seen) :] if is_repeated else page.items)]
        if page.items:
            seen = [item for item in page.items if item.timestamp == page.items[-1].timestamp]
        if page.next_page is None:
            return lines
        now += 0.25 if int(page.next_page) == cursor or not page.items else 0
        cursor = int(page.next_page)


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("size", [9, 11, 1000])
def test_every_line_is_read_once_whatever_a_cursor_counts(habit: str, size: int) -> None:
    run, settings, _ = logged(log_cursor=habit, log_lines=40, failure_rate=1)
    assert followed(run, settings, size) == texts(run, settings)


def test_a_page_of_one_timestamp_does_not_advance_a_cursor_of_time() -> None:
    run, settings, _ = logged(log_cursor="milliseconds", log_burst=20, log_lines=40)
    page = log_page(run, settings, T + 20, cursor=0, size=10)
    again = log_page(run, settings, T + 20, cursor=int(page.next_page or ""), size=10)
    assert len({item.timestamp for item in page.items}) == 1
    assert again.items == page.items
    assert again.next_page == page.next_page == again.current_page
    assert len(log_page(run, settings, T + 20, cursor=int(again.current_page), size=30).items) == 30


def test_lines_can_be_read_late_also_after_the_end() -> None:
    run, settings, _ = logged(log_delay_s=30)
    ended = log_page(run, settings, T + 11, cursor=0, size=100)
    assert (ended.items, ended.next_page) == ([], None)
    assert len(log_page(run, settings, T + 35, cursor=0, size=100).items) == 7
    last = log_page(run, settings, T + 41, cursor=0, size=100)
    assert [item.raw for item in last.items] == texts(run, settings)


def test_an_active_run_has_a_next_page_even_when_nothing_is_new() -> None:
    run, settings, _ = logged()
    page = log_page(run, settings, T + 5, cursor=0, size=100)
    assert page.next_page == str(len(page.items))
    assert log_page(run, settings, T + 5, cursor=len(page.items), size=100).next_page == page.next_page


def test_a_failed_run_ends_with_a_traceback_and_its_reason() -> None:
    run, settings, _ = logged(fail_where={"runtime": "tiny", "message": "KeyError: 'parcel'"})
    lines = texts(run, settings)
    assert lines[-2:] == ["KeyError: 'parcel'", "Run failed"]
    assert "Traceback (most recent call last):" in lines
    assert any(" ERROR " in line for line in lines)


@pytest.mark.parametrize(
    ("settings", "last"),
    [({}, "Run completed"), ({"timed_out_rate": 1}, "Run stopped: timeout of 3600 seconds reached")],
)
def test_the_last_line_says_how_a_run_ended(settings: dict[str, Any], last: str) -> None:
    run, loaded, _ = logged(**settings)
    assert texts(run, loaded)[-1] == last


def test_a_cancelled_run_writes_nothing_after_its_end() -> None:
    run, settings, store = logged(log_lines=10)
    store.cancel(run, T + 3.5)
    log = log_of(run, settings)
    assert (log.body, log.text(log.lines - 1), log.time(log.lines - 1)) == (4, "Run cancelled", T + 3.5)


def test_a_log_of_a_million_lines_is_read_by_the_page() -> None:
    run, settings, _ = logged(log_lines=1_000_000, log_line_bytes=100)
    page = log_page(run, settings, T + 20, cursor=999_000, size=5000)
    assert len(page.items) == 1000
    assert min(len(item.raw) for item in page.items) >= 100


def test_a_log_can_be_one_endless_line() -> None:
    run, settings, _ = logged(log_lines=2, log_line_bytes=1_000_000)
    assert len(log_page(run, settings, T + 20, cursor=1, size=1).items[0].raw) == 1_000_000


def test_hostile_lines_carry_what_a_terminal_must_not_obey() -> None:
    run, settings, _ = logged(log_content="hostile", log_lines=20)
    text = "\n".join(texts(run, settings))
    assert all(piece in text for piece in ("\x1b]0;", "\u202e", "<script>", "\n=cmd", "\x00"))


async def test_the_audit_has_every_line_of_a_log(service: Service, payload: dict[str, Any]) -> None:
    client = service(startup_s=0, run_s=0, log_delay_s=1000, log_content="hostile")
    run = (await client.post("/runs", params={"region": "r"}, json=payload)).json()["id"]
    assert (await client.get(f"/runs/{run}/logs")).json()["items"] == []
    lines = [json.loads(line) for line in (await client.get(f"/_emulator/runs/{run}/logs")).text.split("\n")[:-1]]
    assert lines[-1]["raw"] == "Run completed"
    assert len(lines) == 14
    assert (await client.get("/_emulator/runs/nothing/logs")).status_code == 404
