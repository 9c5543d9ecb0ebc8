"""Sending a file to a presigned URL: streamed, without the API key, without redirects."""

import os
import stat
from collections.abc import AsyncIterator, Callable
from functools import partial
from hashlib import sha256
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from batchrun.errors import SettingsError
from batchrun.sweep.local_file import LocalFile
from batchrun.wherobots.proxy import proxy_for
from batchrun.wherobots.transports import tls_context

if TYPE_CHECKING:  # loaded when there is something to upload
    import httpx

__all__ = ["FileChangedError", "PresignedUploader", "UploadRefusedError"]

CHUNK_BYTES = 1 << 20
CONNECT_S = 10.0
STALLED_S = 60.0
"""No byte sent or received for so long ends an upload: a connection that lives moves in between."""
SLOWEST_BYTES_PER_S = 50_000.0
"""Together with ``STALLED_S`` this bounds an upload as a whole: 500 MiB may take three hours, and no more."""
MAX_ANSWER_BYTES = 64 * 1024
RETRIABLE = frozenset({403, 408, 425, 429})
"""Refusals worth another try with a new URL; 403 is what storage answers once a URL has expired. And every 5xx."""


class FileChangedError(Exception):
    """The file is not what was planned."""


class UploadRefusedError(Exception):
    """The upload failed; ``is_retriable`` says whether a new URL may help, ``fix`` what else does."""

    def __init__(self, reason: str, *, is_retriable: bool, fix: str = "") -> None:
        super().__init__(reason)
        self.is_retriable = is_retriable
        self.fix = fix


class PresignedUploader:
    """Sends files to presigned URLs. No header of the API's own goes there: it is another host."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}
        """By scheme and proxy: storage may be reached another way than the API."""

    async def __aenter__(self) -> Self:
        await anyio.to_thread.run_sync(import_module, "httpx")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def put(self, url: str, file: LocalFile, sent: Callable[[int], None]) -> None:
        """Send a file; ``sent`` receives the bytes of each chunk that left.

        Raises:
            FileChangedError: the file is not the one that was planned. Its last chunk was held back, so storage got an
                incomplete request and keeps nothing.
            UploadRefusedError: storage refused it, or no answer arrived.

        """
        import httpx  # noqa: PLC0415 - batches without local files do without it

        descriptor = await anyio.to_thread.run_sync(_open, file)
        body = _Body(descriptor, file, sent)
        try:
            with anyio.fail_after(STALLED_S + file.size / SLOWEST_BYTES_PER_S):
                await self._put(url, body)
        except TimeoutError:
            raise UploadRefusedError("it took too long", is_retriable=True) from None
        except httpx.HTTPError as error:
            # Without the URL: its signature is a secret for as long as it is valid.
            raise UploadRefusedError(f"no answer from storage: {type(error).__name__}", is_retriable=True) from None
        except (httpx.InvalidURL, ValueError):
            raise UploadRefusedError("the upload URL is invalid", is_retriable=False) from None
        except SettingsError as error:  # a proxy, or certificates
            raise UploadRefusedError(str(error), is_retriable=False) from None
        finally:
            os.close(descriptor)

    async def _put(self, url: str, body: "_Body") -> None:
        # An explicit length: storage does not accept a body of unknown length.
        headers = {"Content-Length": str(body.file.size), "Accept-Encoding": "identity"}
        client = await self._client_for(url)
        async with client.stream("PUT", url, content=body.chunks(), headers=headers) as answer:
            _check_answer(answer, is_whole=body.is_sent)

    async def _client_for(self, url: str) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415 - as above

        proxy = proxy_for(url)
        way = httpx.URL(url).scheme, proxy.url
        if (client := self._clients.get(way)) is None:
            tls = await anyio.to_thread.run_sync(tls_context, url)  # reads files
            client = self._clients[way] = httpx.AsyncClient(
                verify=tls,
                proxy=proxy.for_httpx(),
                trust_env=False,  # proxies and certificates are read by the same code as for the API
                timeout=httpx.Timeout(STALLED_S, connect=CONNECT_S),
                follow_redirects=False,
            )
        return client


def _check_answer(answer: "httpx.Response", *, is_whole: bool) -> None:
    """Return only if storage holds the file now.

    Raises:
        UploadRefusedError: it does not, or something else answered in its place.

    """
    reason = f"storage answered HTTP {answer.status_code}"
    if answer.is_redirect:
        target = urlsplit(answer.headers.get("location", ""))
        to = f" to {target.scheme}://{target.hostname}" if target.hostname else ""  # no path: it may be signed
        fact = f"{reason}, a redirect{to}, which is not followed"
        raise UploadRefusedError(fact, is_retriable=False, fix="check the proxy, or use an s3:// URI")
    if not answer.is_success:
        is_retriable = answer.is_server_error or answer.status_code in RETRIABLE
        raise UploadRefusedError(reason, is_retriable=is_retriable)
    if "html" in answer.headers.get("content-type", "").lower():
        fact = f"{reason} with a web page, as a proxy's login does"
        raise UploadRefusedError(fact, is_retriable=False, fix="check the proxy, or use an s3:// URI")
    if not is_whole:  # the HTTP library reads an early answer also where the connection broke before the last byte
        raise UploadRefusedError(f"{reason} before the whole file was sent", is_retriable=True)


def _open(file: LocalFile) -> int:
    try:
        descriptor = os.open(file.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileChangedError(f"it can no longer be read: {error.strerror}") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_size != file.size:
        os.close(descriptor)
        raise FileChangedError("it changed since the sweep was planned")
    return descriptor


class _Body:
    """A file's content on its way."""

    def __init__(self, descriptor: int, file: LocalFile, sent: Callable[[int], None]) -> None:
        self.file = file
        self.is_sent = False
        """True once the last chunk left."""
        self._read = partial(os.read, descriptor)
        self._sent = sent

    async def chunks(self) -> AsyncIterator[bytes]:
        """The last chunk leaves only when all of the content is known to be what was planned."""
        digest, left, held = sha256(), self.file.size, b""
        while chunk := await anyio.to_thread.run_sync(self._read, min(CHUNK_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            await anyio.to_thread.run_sync(digest.update, chunk)
            if held:
                yield held
                self._sent(len(held))
            held = chunk
        if left != 0 or digest.hexdigest() != self.file.sha256:
            raise FileChangedError("it changed since the sweep was planned")
        yield held
        self.is_sent = True
        self._sent(len(held))
