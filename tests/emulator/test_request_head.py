"""The headers that decide about access."""

import pytest

from batchrun.emulator.http.request_head import RequestHead, head_of


def head(*headers: tuple[bytes, bytes]) -> RequestHead:
    return head_of({"type": "http", "headers": list(headers)})


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([], ""),
        ([(b"x-api-key", b" secret ")], "secret"),
        ([(b"authorization", b"Bearer secret")], "secret"),
        ([(b"authorization", b"bearer  secret")], "secret"),
        ([(b"authorization", b"Basic secret")], ""),
        ([(b"authorization", b"Bearer token"), (b"x-api-key", b"secret")], "secret"),
        ([(b"x-api-key", b""), (b"authorization", b"Bearer token")], "token"),
        ([(b"x-api-key", "schlüssel".encode("latin-1"))], "schlüssel"),
    ],
)
def test_the_key_is_the_header_of_its_own_and_else_the_bearer_token(
    headers: list[tuple[bytes, bytes]], key: str
) -> None:
    assert head(*headers).key == key


def test_a_length_is_a_number_or_none() -> None:
    assert [head((b"content-length", value)).length for value in (b"12", b"-1", b"1e3", b"")] == [12, None, None, None]


def test_what_tells_a_web_page_from_a_program() -> None:
    found = head((b"origin", b"https://a.test"), (b"sec-fetch-site", b"cross-site"), (b"host", b"127.0.0.1:8080"))
    assert (found.origin, found.fetch_site, found.host, found.is_chunked) == (
        "https://a.test",
        "cross-site",
        "127.0.0.1:8080",
        False,
    )
    assert head((b"transfer-encoding", b"chunked")).is_chunked
