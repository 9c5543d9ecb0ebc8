"""The question that `submit` and `resume` ask names what would be done."""

from types import SimpleNamespace
from typing import cast

import pytest

from batchrun.cli.confirming import _question
from batchrun.cli.submit_request import SubmitRequest
from batchrun.engine.preflight.ledger_check import Preflight

URL = "https://api.example.com"


@pytest.mark.parametrize(
    ("left", "rerun_failed", "question"),
    [
        ({"to_send": 1}, 0, f"Send 1 run to {URL}?"),
        ({"to_send": 3, "to_settle": 2}, 2, f"Send 3 runs to {URL}, and rerun each failed run up to 2 times?"),
        ({"to_settle": 2}, 0, f"Settle 2 unknown runs at {URL}, and send those that do not exist?"),
        ({"to_check": 1}, 0, f"Look for duplicates of 1 run at {URL}?"),
        ({}, 1, "Rerun each failed run once?"),
    ],
)
def test_the_question_names_what_is_left_to_do(left: dict[str, int], rerun_failed: int, question: str) -> None:
    preflight = Preflight(
        **{"to_send": 0, "to_settle": 0} | left,
        outcomes={},
        is_new=False,
        service_changed=False,
        target_changed=False,
    )
    request = cast("SubmitRequest", SimpleNamespace(service=URL, rerun_failed=rerun_failed))
    assert _question(request, preflight) == question


def test_the_emulator_is_named_and_not_its_url() -> None:
    preflight = Preflight(outcomes={}, to_send=2, to_settle=0, is_new=True, service_changed=False, target_changed=False)
    request = cast("SubmitRequest", SimpleNamespace(service="emulator", rerun_failed=0))
    assert _question(request, preflight) == "Send 2 runs to the emulator?"
