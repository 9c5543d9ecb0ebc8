"""Runs that a ledger knows as further ones of a planned run, when a setting has changed."""

import json
import time
from pathlib import Path

import httpx
import pytest

from batchrun.engine.preflight.existing import Existing
from batchrun.engine.stopping import Stop
from batchrun.ledger.clock import timestamp
from batchrun.ledger.events import AttemptEvent, DuplicatesEvent, Event, SubmittedEvent
from tests.engine.parts import Wire
from tests.engine.service import plan_of
from tests.engine.test_service_check import checking
from tests.ledger.test_fold import AT


@pytest.mark.parametrize(("is_present", "found"), [(True, ["r1"]), (False, [])], ids=["present", "earlier"])
async def test_a_further_run_of_an_earlier_key_is_asked_about_if_its_payload_is_the_present_one(
    tmp_path: Path, *, is_present: bool, found: list[str]
) -> None:
    """A person adopted the runs of a newer ledger while the sweep was as before the edit, and then made the edit again."""
    run = next(iter(plan_of(1)))
    payload = json.loads(run.body) | ({} if is_present else {"timeoutSeconds": 77})
    item = {"id": "r1", "name": run.name, "createTime": timestamp(time.time()), "payload": payload}
    service = Wire(httpx.MockTransport(lambda _: httpx.Response(200, json={"items": [item], "total": 1})))
    earlier: list[Event] = [
        AttemptEvent(at=AT, key="earlier", n=1, name=run.name),
        SubmittedEvent(at=AT, key="earlier", n=1, run_id="r0", name=run.name),
        DuplicatesEvent(at=AT, key="earlier", run_ids=["r1"]),
    ]
    async with checking(tmp_path, service, events=earlier, existing=Existing.FOREIGN, runs=1) as (check, _):
        strangers = await check.run()
        assert not isinstance(strangers, Stop)
        assert [listed.id for listed, _ in strangers] == found
