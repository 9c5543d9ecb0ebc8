"""A pass over files: what is tried again, and for how long."""

from collections.abc import Callable

import pytest

from batchrun.errors import UploadError
from batchrun.sweep.local_file import LocalFile
from batchrun.uploads.presigned import PresignedUploader
from batchrun.uploads.upload import Pending, Uploads
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.storage import Storage
from batchrun.wherobots.transports import open_transport
from tests.uploads.servers import storage


async def failure(answer: bytes, file: LocalFile) -> tuple[str, list[int]]:
    """The one problem of a pass against a server that always answers so, and the numbers of the tries that failed."""
    tries: list[int] = []

    async def record(pending: Pending, destination: str) -> None:
        raise AssertionError(f"{pending} is not at {destination}")

    def wait_s(n: int) -> float:
        tries.append(n)
        return 0.0

    async with storage(answer) as url, PresignedUploader() as uploader:
        settings = ApiSettings(api_key="key", base_url=url.partition("/x")[0])
        async with RunsClient(settings, open_transport(settings, connections=1)) as client:
            pending = [Pending(file, "aws-us-west-2")]
            uploads = Uploads(pending, storage=Storage(client), uploader=uploader, recorded=record, wait_s=wait_s)
            with pytest.raises(UploadError) as caught:
                await uploads.run()
            assert bool(uploads.progress.trouble) == bool(tries)
    (problem,) = caught.value.problems
    return f"{problem.fact}; {problem.fix}", tries


@pytest.mark.parametrize(
    ("head", "tries", "message"),
    [
        (b"500 No\r\n", [1, 2, 3, 4], "HTTP 500; submit again; what was uploaded is kept"),
        (b"429 No\r\nRetry-After: 0\r\n", [1, 2, 3, 4], "HTTP 429; submit again later; what was uploaded is kept"),
        (b"429 No\r\nRetry-After: 86400\r\n", [], "HTTP 429; submit again later; what was uploaded is kept"),
        (b"302 No\r\nLocation: https://a.test/\r\n", [], "it redirects to https://a.test/; check the base URL"),
    ],
)
async def test_only_what_may_pass_soon_is_tried_again(
    local_file: Callable[[int], LocalFile], head: bytes, tries: list[int], message: str
) -> None:
    found, tried = await failure(b"HTTP/1.1 " + head + b"Content-Length: 0\r\n\r\n", local_file(10))
    assert tried == tries
    assert found.startswith("not uploaded: POST /storage/…/file-upload-url: HTTP ")
    assert found.endswith(message)
