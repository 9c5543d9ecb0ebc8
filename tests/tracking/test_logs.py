"""Logs read from a real emulator: whatever its cursors count, each line once and in order."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest

from batchrun.errors import ApiError
from batchrun.tracking.log_cursor import LogLine
from batchrun.tracking.log_errors import error_line, group_by_error, is_error_line
from batchrun.tracking.logs import follow_log, read_log, tail_log
from batchrun.tracking.save_logs import LoggedRun, Saved, log_file_name, save_logs
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.views import RunView
from tests.tracking.conftest import READER, Emulating

pytestmark = pytest.mark.anyio
HABITS = ["lines", "bytes", "milliseconds"]


async def texts(source: AsyncIterator[LogLine]) -> list[str]:
    return [line.raw async for line in source]


async def ended() -> bool:
    return True


@pytest.mark.parametrize("habit", HABITS)
async def test_a_whole_log_is_read(habit: str, emulating: Emulating) -> None:
    service = await emulating(run_s=0.1, log_cursor=habit, log_lines=2500, log_burst=3)
    (run_id,) = await service.create(1)
    await anyio.sleep(0.3)
    expected = await service.log(run_id)
    assert len(expected) > 2500
    assert await texts(read_log(service.client, run_id, reader=READER)) == expected
    last = await tail_log(service.client, run_id, 7, reader=READER)
    assert [line.raw for line in last] == expected[-7:]


@pytest.mark.parametrize("habit", HABITS)
async def test_a_log_is_followed_to_its_end_late_lines_included(habit: str, emulating: Emulating) -> None:
    service = await emulating(run_s=1, log_cursor=habit, log_lines=200, log_delay_s=0.5, log_burst=2)
    (run_id,) = await service.create(1)

    async def is_ended() -> bool:
        view: RunView = await service.client.get(run_id)
        return view.status.is_final

    found = follow_log(service.client, run_id, reader=READER, is_ended=is_ended, quiet_s=0.8)
    assert await texts(found) == await service.log(run_id)


async def test_following_an_ended_run_without_waiting_ends_at_once(emulating: Emulating) -> None:
    service = await emulating(run_s=0.05, log_lines=5)
    (run_id,) = await service.create(1)
    await anyio.sleep(0.2)
    with anyio.fail_after(2):
        found = await texts(follow_log(service.client, run_id, reader=READER, is_ended=ended, quiet_s=0))
    assert found == await service.log(run_id)


async def test_more_lines_of_one_time_than_a_page_holds_are_reported(emulating: Emulating) -> None:
    service = await emulating(run_s=0.1, log_cursor="milliseconds", log_burst=2000, log_lines=4000)
    (run_id,) = await service.create(1)
    await anyio.sleep(0.3)
    with pytest.raises(ApiError, match=r"more than 1,000 lines have the time"):
        await texts(read_log(service.client, run_id, reader=READER))


async def test_logs_are_saved_a_file_each_and_saving_again_reads_nothing(emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=0.05, log_lines=30)
    ids = await service.create(12)
    await anyio.sleep(0.3)
    runs = [LoggedRun(name=f"tracked-{n}", run_id=run_id, generation=1, is_final=True) for n, run_id in enumerate(ids)]
    seen: list[int] = []
    saved = await save_logs(
        service.client, runs, tmp_path / "logs", reader=READER, on_progress=lambda now: seen.append(now.written)
    )
    assert (saved.written, saved.kept, saved.problems, max(seen)) == (12, 0, [], 12)
    for run in runs:
        text = (tmp_path / "logs" / f"{run.name}.log").read_text()
        assert text.splitlines() == await service.log(run.run_id)
    again = await save_logs(service.client, runs, tmp_path / "logs", reader=READER)
    assert (again.written, again.kept, again.lines) == (0, 12, 0)


async def test_saving_that_is_interrupted_leaves_whole_files_only_and_is_continued(
    emulating: Emulating, tmp_path: Path
) -> None:
    service = await emulating(run_s=0.05, log_lines=5000)
    ids = await service.create(10)
    await anyio.sleep(0.3)
    runs = [LoggedRun(name=f"tracked-{n}", run_id=run_id, generation=1, is_final=True) for n, run_id in enumerate(ids)]
    with anyio.CancelScope() as scope:

        def stop(saved: Saved) -> None:
            if saved.written >= 3:
                scope.cancel()

        await save_logs(service.client, runs, tmp_path, reader=READER, on_progress=stop)
    files = sorted(tmp_path.iterdir())
    assert 3 <= len(files) < 10
    assert [file for file in files if file.suffix != ".log"] == []
    await save_logs(service.client, runs, tmp_path, reader=READER)
    for run in runs:
        assert (tmp_path / log_file_name(run)).read_text().splitlines() == await service.log(run.run_id)


async def test_a_log_that_cannot_be_read_is_a_problem_of_its_run_alone(emulating: Emulating, tmp_path: Path) -> None:
    service = await emulating(run_s=0.05)
    (run_id,) = await service.create(1)
    await anyio.sleep(0.2)
    runs = [
        LoggedRun(name="tracked-0", run_id=run_id, generation=1, is_final=True),
        LoggedRun(name="deleted-run", run_id="nosuchrun", generation=1, is_final=True),
    ]
    saved = await save_logs(service.client, runs, tmp_path, reader=READER)
    assert [problem.place for problem in saved.problems] == ["deleted-run"]
    assert [file.name for file in tmp_path.iterdir()] == ["tracked-0.log"]


def test_file_names_are_short_enough_and_tell_generations_apart() -> None:
    assert log_file_name(LoggedRun(name="n" * 8, run_id="r", generation=2, is_final=True)) == "nnnnnnnn-r2.log"
    long = log_file_name(LoggedRun(name="n" * 255, run_id="r" * 255, generation=12, is_final=True))
    assert len(long) <= 255
    assert long.endswith("-r12.log")


@pytest.mark.parametrize(
    "name", ["../../escaped", "/etc/cron.d/job", "..", "", "a\0b", "a\nb", "-rf", ".bashrc", "é" * 200, "a\\b"]
)
def test_a_name_that_no_run_can_have_stays_in_the_folder(name: str, tmp_path: Path) -> None:
    found = log_file_name(LoggedRun(name=name, run_id="../r1", generation=1, is_final=True))
    assert (tmp_path / found).resolve().parent == tmp_path
    assert found[0] not in ".-"
    (tmp_path / found).write_text("")


async def test_a_log_whose_pages_never_end_is_an_error() -> None:
    item = {"timestamp": "2026-11-25T18:46:09Z", "raw": "the same"}
    pages = 0

    def page(_: httpx.Request) -> httpx.Response:
        nonlocal pages
        pages += 1
        return httpx.Response(200, json={"items": [item] * 3, "current_page": "0", "next_page": f"page-{pages}"})

    settings = ApiSettings(api_key="wbk-0123456789", base_url="http://127.0.0.1:1")
    async with RunsClient(settings, httpx.MockTransport(page)) as client:
        with pytest.raises(ApiError, match="1,000 pages in a row contained no new line"):
            await texts(read_log(client, "r1", reader=READER))
    assert pages == 1001


@pytest.mark.parametrize("run_id", ["..", "../organization", "a?b", ""])
async def test_an_id_that_makes_another_path_is_not_asked_for(run_id: str, emulating: Emulating) -> None:
    service = await emulating()
    calls = (
        service.client.get,
        service.client.find,
        service.client.cancel,
        service.client.logs,
        service.client.metrics,
    )
    for call in calls:
        with pytest.raises(ApiError, match="is not a run's id"):
            await call(run_id)


TRACE = [
    "INFO start",
    "Traceback (most recent call last):",
    '  File "job.py", line 3',
    "ValueError: tile 17 is empty",
    "bye",
]


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (TRACE, "ValueError: tile 17 is empty"),
        (["26/11/25 10:00:00 ERROR Executor: lost", "INFO x"], "26/11/25 10:00:00 ERROR Executor: lost"),
        (["org.apache.spark.sql.AnalysisException: no table"], "org.apache.spark.sql.AnalysisException: no table"),
        (["all is well", "x" * 100 + "ERROR"], None),
        ([], None),
    ],
)
def test_the_line_that_says_what_went_wrong(log: list[str], found: str | None) -> None:
    assert error_line(log) == found


def test_a_long_line_is_looked_at_in_linear_time() -> None:
    assert not is_error_line("a." * 5_000_000)
    assert not is_error_line("A" * 10_000_000)


def test_errors_that_differ_in_numbers_only_are_one_error() -> None:
    tails = {"one": TRACE, "two": ["ValueError: tile 18 is empty"], "three": ["KeyError: 'x'"], "four": []}
    assert group_by_error(tails) == {
        "ValueError: tile 17 is empty": ["one", "two"],
        "": ["four"],
        "KeyError: 'x'": ["three"],
    }
