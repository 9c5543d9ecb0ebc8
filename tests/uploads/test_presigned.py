"""Sending a file to a URL: only storage that has the whole file counts as an upload, whatever else answers."""

import json
from collections.abc import Callable

import pytest

from batchrun.errors import ApiError
from batchrun.sweep.local_file import LocalFile
from batchrun.uploads.presigned import FileChangedError, PresignedUploader, UploadRefusedError
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.storage import Storage
from batchrun.wherobots.transports import open_transport
from tests.uploads.servers import OK, storage


async def upload(url: str, file: LocalFile) -> list[int]:
    sent: list[int] = []
    async with PresignedUploader() as uploader:
        await uploader.put(url, file, sent.append)
    return sent


async def refused(url: str, file: LocalFile) -> UploadRefusedError:
    with pytest.raises(UploadRefusedError) as caught:
        await upload(url, file)
    assert "secret" not in str(caught.value) + caught.value.fix
    return caught.value


async def test_a_file_that_storage_has_is_uploaded(local_file: Callable[[int], LocalFile]) -> None:
    async with storage(OK) as url:
        assert sum(await upload(url, local_file(3_000_000))) == 3_000_000


async def test_a_success_before_the_whole_file_was_sent_is_none(local_file: Callable[[int], LocalFile]) -> None:
    async with storage(OK, reads=10) as url:
        error = await refused(url, local_file(50_000_000))
    assert error.is_retriable


async def test_a_web_page_is_no_storage(local_file: Callable[[int], LocalFile]) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n\r\nlogin"
    async with storage(page) as url:
        error = await refused(url, local_file(10))
    assert str(error) == "storage answered HTTP 200 with a web page, as a proxy's login does"
    assert (error.is_retriable, error.fix) == (False, "check the proxy, or use an s3:// URI")


@pytest.mark.parametrize(
    ("location", "to"),
    [
        (b"https://elsewhere.test/x?sig=secret", " to https://elsewhere.test"),
        (b"/x?secret", ""),
    ],
)
async def test_a_redirect_is_named_and_not_followed(
    local_file: Callable[[int], LocalFile], location: bytes, to: str
) -> None:
    head = b"HTTP/1.1 307 Moved\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    async with storage(head) as url:
        error = await refused(url, local_file(10))
    assert str(error) == f"storage answered HTTP 307, a redirect{to}, which is not followed"


@pytest.mark.parametrize(
    "destination", ["/local/path", "s3://b/\x1b[31mred", "s3://b/\n", "s3://b/" + "x" * 10_000, ""]
)
async def test_what_is_no_uri_is_no_place_of_a_file(destination: str) -> None:
    body = json.dumps({"destination": destination, "uploadUrl": "https://storage.test/x"}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with storage(head + body) as url:
        settings = ApiSettings(api_key="key", base_url=url.partition("/x")[0])
        async with RunsClient(settings, open_transport(settings, connections=1)) as client:
            with pytest.raises(ApiError, match="its destination is not a URI"):
                await Storage(client).ticket("aws-us-west-2", "batchrun/0/job.py")


async def test_a_file_that_changed_never_arrives_as_a_whole(local_file: Callable[[int], LocalFile]) -> None:
    file = local_file(10)
    file.source.write_bytes(b"!" * 10)
    async with storage(OK) as url:
        with pytest.raises(FileChangedError):
            await upload(url, file)
