"""Local files are in storage, and known to be, before a run relies on them."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from typing_extensions import override

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from batchrun.engine.batch import new_batch
from batchrun.engine.generations import Generations
from batchrun.engine.progress import Progress, Reporter
from batchrun.engine.sending.uploading import upload_local_files
from batchrun.engine.stopping import StopReason, StopSwitch
from batchrun.ledger.events import UploadEvent
from batchrun.ledger.file import FileLedger
from batchrun.ledger.reader import read_events
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan
from batchrun.uploads.destinations import Destinations
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transports import open_transport
from tests.engine.parts import CTRL_C, Notes

REGION = "aws-us-west-2"
SWEEP = f"""\
version = 1
[run]
name    = "tile-run-{{{{job}}}}"
runtime = "tiny"
region  = "{REGION}"
python  = "{{{{job}}}}.py"
[axes]
job = ["first", "second"]
"""


class Seen(Notes):
    def __init__(self) -> None:
        super().__init__()
        self.progresses: list[Progress] = []

    @override
    def progress(self, progress: Any) -> None:
        self.progresses.append(progress)


class Upload:
    """What one call of ``upload_local_files`` came to."""

    def __init__(self) -> None:
        self.switch, self.observer = StopSwitch(), Seen()
        self.destinations = Destinations({})

    async def run(self, plan: Plan, path: Path, server: EmulatorServer) -> "Upload":
        api = ApiSettings(api_key="k-engine", base_url=server.url)
        async with RunsClient(api, open_transport(api, connections=4)) as client:
            with FileLedger.open(path, create=True) as ledger:
                if ledger.is_new:
                    await ledger.begin(new_batch(plan, server.url))
                self.destinations = await upload_local_files(
                    plan, Generations(), ledger, client, reporter=Reporter(self.observer), switch=self.switch
                )
        return self


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text(f"print('{name}')\n")
    return build_plan(Manifest.parse(SWEEP, name="tiles", directory=tmp_path), environ={})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiles.ledger.jsonl"


def recorded(path: Path) -> list[str]:
    return sorted(event.path for event in read_events(path) if isinstance(event, UploadEvent))


async def test_what_was_uploaded_is_recorded_and_not_uploaded_again(plan: Plan, path: Path) -> None:
    with EmulatorServer() as server:
        first = await Upload().run(plan, path, server)
        assert not first.switch.is_pulled
        assert recorded(path) == ["first.py", "second.py"]
        for run in plan:
            assert b"upload:" in run.body
            assert b"upload:" not in first.destinations.body(REGION, run.body)
        again = await Upload().run(plan, path, server)
    assert recorded(path) == ["first.py", "second.py"]
    assert again.observer.progresses == []
    bodies = [[upload.destinations.body(REGION, run.body) for run in plan] for upload in (first, again)]
    assert bodies[0] == bodies[1]


async def test_while_it_uploads_no_run_counts_as_more_than_pending(plan: Plan, path: Path) -> None:
    with EmulatorServer() as server:
        seen = (await Upload().run(plan, path, server)).observer.progresses
    assert seen
    assert {(one.planned, one.pending, one.submitted) for one in seen} == {(2, 2, 0)}
    assert all(one.uploads is not None and one.uploads.files == 2 for one in seen)


async def test_a_file_that_cannot_be_uploaded_stops_the_batch_and_the_others_are_kept(plan: Plan, path: Path) -> None:
    (path.parent / "second.py").write_text("print('edited since')\n")
    with EmulatorServer() as server:
        upload = await Upload().run(plan, path, server)
    assert upload.switch.stop is not None
    assert upload.switch.stop.reason is StopReason.UPLOAD
    assert upload.switch.stop.problem.place == f"second.py ({REGION})"
    assert recorded(path) == ["first.py"]


async def test_every_problem_is_reported_and_the_first_one_stops(plan: Plan, path: Path) -> None:
    with EmulatorServer(EmulatorSettings(storage_regions=("elsewhere",))) as server:
        upload = await Upload().run(plan, path, server)
    assert upload.switch.stop is not None
    places = [upload.switch.stop.problem.place, *(note.place for note in upload.observer.seen)]
    assert places == [f"first.py ({REGION})", f"second.py ({REGION})"]
    assert recorded(path) == []


async def test_a_batch_that_was_stopped_before_uploads_nothing(plan: Plan, path: Path) -> None:
    upload = Upload()
    upload.switch.pull(CTRL_C)
    with EmulatorServer() as server:
        await upload.run(plan, path, server)
    assert recorded(path) == []


async def test_a_stop_while_it_uploads_ends_it(plan: Plan, path: Path) -> None:
    upload = Upload()
    with EmulatorServer(
        EmulatorSettings(call_faults={"hang": 1.0}, call_faults_on=("upload_url",), hang_s=60)
    ) as server:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(upload.run, plan, path, server)
            while not upload.observer.progresses:  # noqa: ASYNC110 - it has begun once it shows progress
                await anyio.sleep(0.01)
            upload.switch.pull(CTRL_C)
    assert upload.switch.stop is CTRL_C
    assert recorded(path) == []
