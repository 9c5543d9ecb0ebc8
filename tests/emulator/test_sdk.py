"""The service's own Python SDK works against the emulator."""

import time
from collections.abc import Iterator

import pytest
from wherobots.api.runs import RunsAPI
from wherobots.config import WherobotsConfig
from wherobots.exceptions import WherobotsAPIError
from wherobots.models import CreateRunPayload, PyPiDependency, RunEnvironment, RunPythonPayload

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings

REGION = "aws-us-west-2"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsAPI]:
    """The SDK over https, pointed at an emulator whose runs take half a second."""
    settings = EmulatorSettings(api_key="right", startup_s=0.1, run_s=0.5, list_name_match="substring")
    with EmulatorServer(settings, tls=True) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
        with RunsAPI.from_config(WherobotsConfig(api_key="right", base_url=server.url)) as api:
            yield api


def payload(name: str) -> CreateRunPayload:
    return CreateRunPayload(
        runtime="tiny",
        name=name,
        run_python=RunPythonPayload(uri="s3://bucket/job.py", args=["--date", "2026-07-10"]),
        environment=RunEnvironment(dependencies=[PyPiDependency(library_name="h3", library_version="4.1.0").to_dict()]),
    )


def test_the_sdk_creates_gets_and_lists_by_name(api: RunsAPI) -> None:
    made = api.create(payload("sdk-first-run"), region=REGION)
    api.create(payload("sdk-other-run"), region=REGION)
    found = api.get(made.id)
    assert (found.id, found.name) == (made.id, "sdk-first-run")
    page = api.list(name_pattern="first", region=REGION)
    assert [run.id for run in page.items] == [made.id]
    assert [run.name for run in api.list(name_pattern="sdk*", size=1).items] == ["sdk-other-run"]


def test_the_sdk_follows_logs_to_the_end_and_reads_the_metrics(api: RunsAPI) -> None:
    run = api.create(payload("sdk-logged-run"), region=REGION)
    lines: list[str] = []
    cursor: int | str | None = 0
    while cursor is not None:
        page = api.get_logs(run.id, cursor=cursor, size=5)
        lines += [item.raw for item in page.items]
        cursor = page.next_page
        time.sleep(0.05)
    assert lines[0] == "Starting sdk-logged-run on tiny"
    assert lines[-1] == "Run completed"
    assert str(api.get(run.id).status).endswith("COMPLETED")
    assert "CONSUMED_SPATIAL_UNITS" in api.get_metrics(run.id).instant_metrics


def test_the_sdk_cancels(api: RunsAPI) -> None:
    run = api.create(payload("sdk-unwanted-run"), region=REGION)
    api.cancel(run.id)
    assert str(api.get(run.id).status).endswith("CANCELLED")


def test_the_sdk_reads_error_bodies(api: RunsAPI) -> None:
    with pytest.raises(WherobotsAPIError) as error_response:
        api.get("nothing")
    assert error_response.value.status_code == 404
