"""The public ``submit``: what it refuses, what it takes by default, and what it does with an observer that fails."""

from pathlib import Path

import pytest
from anyio import to_thread

import batchrun
from batchrun.engine.progress import Progress
from batchrun.engine.settings import SubmitSettings
from batchrun.engine.submit import submit
from batchrun.errors import LedgerMismatchError, Problem, UsageError
from batchrun.ledger.file import FileLedger
from batchrun.ledger.fold import Outcome
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import build_plan
from tests.engine.service import SWEEP, open_client, plan_of

pytestmark = pytest.mark.anyio

FAST = SubmitSettings(rate=1000, settle_after_s=0.1)


async def test_a_ledger_of_another_plan_is_refused_unless_it_may_be_extended(tmp_path: Path) -> None:
    path = tmp_path / "tiles.ledger.jsonl"
    async with open_client() as client:
        with FileLedger.open(path, create=True) as ledger:
            await submit(plan_of(3), ledger, client, settings=FAST)
        with FileLedger.open(path) as ledger:
            with pytest.raises(LedgerMismatchError, match="2 new, 0 removed, 3 already submitted"):
                await submit(plan_of(5), ledger, client, settings=FAST)
            ended = await submit(plan_of(5), ledger, client, settings=FAST, extend=True)
    assert (ended.progress.planned, ended.progress.submitted, ended.progress.pending) == (5, 5, 0)


async def test_a_ledger_of_another_service_is_refused_with_the_words_of_the_command(tmp_path: Path) -> None:
    path = tmp_path / "tiles.ledger.jsonl"
    async with open_client() as client:
        with FileLedger.open(path, create=True) as ledger:
            await submit(plan_of(3), ledger, client, settings=FAST)
    async with open_client(url="http://127.0.0.1:2") as client:
        with FileLedger.open(path) as ledger, pytest.raises(LedgerMismatchError) as refused:
            await submit(plan_of(3), ledger, client, settings=FAST)
    assert refused.value.problems == (
        Problem(
            "tiles",
            "the batch was submitted to http://127.0.0.1:1, not to http://127.0.0.1:2",
            "use that --base-url, or allow the change with --to-another-server",
        ),
    )


async def test_without_settings_the_manifest_says_how_to_submit(tmp_path: Path) -> None:
    plan = plan_of(40, extra="[submit]\nrate = 2000\nstop_after_failures = 3\n")
    async with open_client() as client:
        with FileLedger.open(tmp_path / "l", create=True) as ledger:
            ended = await submit(plan, ledger, client)
    assert ended.progress.pace == "fixed rate"
    assert ended.progress.submitted == 40


async def test_a_placeholder_of_the_environment_never_reaches_the_service(tmp_path: Path) -> None:
    text = SWEEP.replace("LAST", "2").replace('"--tile", ', '"--bucket", "{{env.BUCKET}}", ')
    manifest = Manifest.parse(text, name="tiles", directory=".")
    async with open_client() as client:
        with FileLedger.open(tmp_path / "l", create=True) as ledger:
            with pytest.raises(UsageError, match=r"environment variables were not resolved: \{\{env.BUCKET\}\}"):
                await submit(build_plan(manifest), ledger, client)
            assert ledger.is_new
            ended = await submit(build_plan(manifest, environ={"BUCKET": "b"}), ledger, client, settings=FAST)
        page = await client.list_page()
    assert ended.progress.submitted == 2
    assert all("<env" not in str(run.payload) for run in page.items)


class FailingObserver:
    def __init__(self) -> None:
        self.calls = 0

    def progress(self, progress: Progress) -> None:
        self.calls += 1
        raise ZeroDivisionError(f"{progress.planned} by zero")

    def note(self, note: Problem) -> None:
        raise AssertionError(note)


async def test_an_observer_that_raises_is_reported_once_and_detached(tmp_path: Path) -> None:
    observer = FailingObserver()
    async with open_client() as client:
        with FileLedger.open(tmp_path / "l", create=True) as ledger:
            ended = await submit(plan_of(5), ledger, client, settings=FAST, observer=observer)
    assert ended.progress.submitted == 5
    assert observer.calls == 1
    fact, fix = "it raised ZeroDivisionError: 5 by zero", "it was detached; the batch continues without it"
    assert ended.notes == (Problem("observer", fact, fix),)


@pytest.fixture
def plan_file(tmp_path: Path) -> str:
    manifest, plan = tmp_path / "tiles.toml", tmp_path / "plan.jsonl"
    manifest.write_text(SWEEP.replace("LAST", "2"))
    batchrun.write_plan(batchrun.build_plan(batchrun.Manifest.load(str(manifest)), environ={}), str(plan))
    return str(plan)


async def test_keys_and_paths_may_be_plain_strings(tmp_path: Path, plan_file: str) -> None:
    path, plan = str(tmp_path / "tiles.ledger.jsonl"), await to_thread.run_sync(batchrun.read_plan, plan_file)
    async with open_client() as client:
        with batchrun.FileLedger.open(path, create=True) as ledger:
            await batchrun.submit(plan, ledger, client, settings=FAST)
    assert (await to_thread.run_sync(batchrun.read_state, path)).count(Outcome.SUBMITTED) == 2
    assert (await to_thread.run_sync(batchrun.read_summary, path)).is_complete
    assert "k-plain-text" not in repr(batchrun.ApiSettings(api_key="k-plain-text"))
