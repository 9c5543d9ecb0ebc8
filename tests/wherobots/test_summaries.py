"""What batchrun needs of a run is read even where the rest of the response is wrong."""

import msgspec
import pytest

from batchrun.wherobots.summaries import RunSummary, RunSummaryPage, is_usable_id


def test_an_id_is_enough() -> None:
    assert msgspec.json.decode(b'{"id":"gt3oirei5widjk"}', type=RunSummary) == RunSummary(id="gt3oirei5widjk")


def test_fields_are_camel_case_and_unknown_ones_are_ignored() -> None:
    body = b'{"id":"a","createTime":"2026-11-01T00:00:00Z","status":"HIBERNATING","kubeApp":[],"payload":{"name":"n"}}'
    summary = msgspec.json.decode(body, type=RunSummary)
    assert summary.create_time == "2026-11-01T00:00:00Z"
    assert summary.status == "HIBERNATING"
    assert summary.payload == {"name": "n"}


@pytest.mark.parametrize("body", [b"{}", b'{"id":null}', b'{"id":7}', b"[]", b"null"])
def test_without_a_readable_id_there_is_no_summary(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(body, type=RunSummary)


def test_a_page_is_snake_case_and_its_last_one_has_no_next() -> None:
    page = msgspec.json.decode(b'{"items":[{"id":"a"}],"total":1,"current_page":"x"}', type=RunSummaryPage)
    assert (page.items[0].id, page.total, page.next_page) == ("a", 1, None)
    assert msgspec.json.decode(b'{"items":[],"total":9,"next_page":"y"}', type=RunSummaryPage).next_page == "y"


@pytest.mark.parametrize("run_id", ["", ".", "..", "a/b", "../jobs", "a%2Fb", "a?b", "a#b", "a b", "a\n", "x" * 129])
def test_an_id_that_would_change_a_url_is_not_used(run_id: str) -> None:
    assert not is_usable_id(run_id)


@pytest.mark.parametrize("run_id", ["gt3oirei5widjk", "a.b", "...", "6f1c:2", "user@org", "x" * 128])
def test_other_ids_are_used(run_id: str) -> None:
    assert is_usable_id(run_id)
