"""Paths in storage, from the bytes of the request line."""

import pytest
from starlette.requests import Request

from batchrun.emulator.http.paths import MAX_PATH_BYTES, storage_path, storage_region


def path_of(rest: str, *, query: bytes = b"") -> str | None:
    raw = b"/storage/user_files::eu/file-upload-url" + rest.encode() + query
    return storage_path(Request({"type": "http", "path": raw.decode(), "raw_path": raw, "headers": []}))


@pytest.mark.parametrize(
    ("rest", "path"),
    [
        ("", ""),
        ("/", ""),
        ("/a", "a"),
        ("/a/b/", "a/b"),
        ("/a%20b/%C3%BC", "a b/ü"),
        ("/a%2Fb", None),  # a slash that is part of a name
        ("/a//b", None),
        ("/../a", None),
        ("/a/%2E%2E", None),
        ("/.", None),
        ("/a%00", None),
        ("/%FF", None),
        (f"/{'x' * MAX_PATH_BYTES}", "x" * MAX_PATH_BYTES),
        (f"/{'x' * MAX_PATH_BYTES}y", None),
    ],
)
def test_each_segment_is_a_name_of_its_own(rest: str, path: str | None) -> None:
    assert path_of(rest) == path


def test_a_query_is_no_part_of_the_path() -> None:
    assert path_of("/a", query=b"?cursor=%2F") == "a"


def test_only_managed_storage_has_a_region() -> None:
    assert [storage_region(one) for one in ("user_files::eu", "user_files::", "other::eu", "eu")] == [
        "eu",
        None,
        None,
        None,
    ]
