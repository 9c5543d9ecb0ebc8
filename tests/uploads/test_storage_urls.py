"""Where a file may be sent, and how its path is written: nothing leaves for a place that could be listened to."""

import pytest

from batchrun.wherobots.storage import is_safe_upload_url, storage_url_path


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://bucket.s3.amazonaws.com/x?sig=1", True),
        ("http://127.0.0.1:8080/upload", True),
        ("http://localhost/upload", True),
        ("http://[::1]:80/upload", True),
        ("http://bucket.s3.amazonaws.com/x", False),
        ("http://127.0.0.1.evil.example/x", False),
        ("ftp://127.0.0.1/x", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_https_and_this_machine_are_safe(url: str, is_safe: bool) -> None:
    assert is_safe_upload_url(url) is is_safe


def test_each_segment_of_a_path_is_encoded_by_itself() -> None:
    assert storage_url_path("batchrun/ab12/a b#c%é?.py") == "batchrun/ab12/a%20b%23c%25%C3%A9%3F.py"


@pytest.mark.parametrize("path", ["", "/x", "a//b", "a/../b", "./a", "a/.", "a/"])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path in storage"):
        storage_url_path(path)
