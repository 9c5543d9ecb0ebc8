"""The outcomes of a POST are plain values that tell apart what the engine must tell apart."""

from typing import get_args

import pytest

from batchrun.errors import Trouble
from batchrun.wherobots.answers import Answer, Created, Lost, Refused, Unreadable


def test_there_are_four_outcomes() -> None:
    assert set(get_args(Answer)) == {Created, Unreadable, Refused, Lost}


def test_a_lost_request_counts_as_sent_unless_proven_otherwise() -> None:
    assert Lost("ReadTimeout").sent
    assert not Lost("refused", sent=False).sent


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [(Trouble(status=409), False), (Trouble(status=409, message="x"), False), (Trouble(code="CONFLICT_ERROR"), True)],
)
def test_an_error_body_is_recognised_by_its_code(trouble: Trouble, expected: bool) -> None:
    assert Refused(trouble).has_error_body is expected


def test_a_refusal_has_the_status_of_its_trouble() -> None:
    assert Refused(Trouble(status=409)).http_status == 409


def test_outcomes_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Created("gt3oirei5widjk").run_id = "other"  # type: ignore[misc] # that is what the test is about
