"""Sending a file to a presigned URL: streamed, without the API key, without redirects."""

import os
import stat
from collections.abc import AsyncIterator, Callable
from functools import partial
from hashlib import sha256
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread
import httpx

from batchrun.errors import SettingsError
from batchrun.sweep.local_file import LocalFile
from batchrun.wherobots.proxy import proxy_for
from batchrun.wherobots.transports import tls_context

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
    """The upload failed; ``is_retriable`` says whether a new URL may help."""

    def __init__(self, reason: str, *, is_retriable: bool) -> None:
        super().__init__(reason)
        self.is_retriable = is_retriable


class PresignedUploader:
    """Sends files to presigned URLs. No header of the API's own goes there: it is another host."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}
        """By scheme and proxy: storage may be reached another way than the API."""

    async def __aenter__(self) -> Self:
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
        descriptor = await anyio.to_thread.run_sync(_open, file)
        try:
            with anyio.fail_after(STALLED_S + file.size / SLOWEST_BYTES_PER_S):
                await self._put(url, file, _chunks(descriptor, file, sent))
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

    async def _put(self, url: str, file: LocalFile, chunks: AsyncIterator[bytes]) -> None:
        # An explicit length: storage does not accept a body of unknown length.
        headers = {"Content-Length": str(file.size), "Accept-Encoding": "identity"}
        client = await self._client_for(url)
        async with client.stream("PUT", url, content=chunks, headers=headers) as answer:
            if answer.is_success:
                return
            reason = f"storage answered HTTP {answer.status_code}"
            if answer.is_redirect:
                raise UploadRefusedError(f"{reason}, a redirect, which is not followed", is_retriable=False)
            is_retriable = answer.is_server_error or answer.status_code in RETRIABLE
            raise UploadRefusedError(reason, is_retriable=is_retriable)

    async def _client_for(self, url: str) -> httpx.AsyncClient:
        proxy = proxy_for(url)
        way = httpx.URL(url).scheme, proxy.url
        if (client := self._clients.get(way)) is None:
            tls = await anyio.to_thread.run_sync(tls_context, url)  # reads files
            client = self._clients[way] = httpx.AsyncClient(
                transport=self._transport,
                verify=tls,
                proxy=proxy.for_httpx(),
                trust_env=False,  # proxies and certificates are read by the same code as for the API
                timeout=httpx.Timeout(STALLED_S, connect=CONNECT_S),
                follow_redirects=False,
            )
        return client


def _open(file: LocalFile) -> int:
    try:
        descriptor = os.open(file.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileChangedError(f"it cannot be read any more: {error.strerror}") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_size != file.size:
        os.close(descriptor)
        raise FileChangedError("it changed since the sweep was planned")
    return descriptor


async def _chunks(descriptor: int, file: LocalFile, sent: Callable[[int], None]) -> AsyncIterator[bytes]:
    """The file's content. The last chunk leaves only when all of the content is known to be what was planned."""
    digest, left, held = sha256(), file.size, b""
    while chunk := await anyio.to_thread.run_sync(partial(os.read, descriptor, min(CHUNK_BYTES, left + 1))):
        left -= len(chunk)
        if left < 0:
            break
        await anyio.to_thread.run_sync(digest.update, chunk)
        if held:
            yield held
            sent(len(held))
        held = chunk
    if left != 0 or digest.hexdigest() != file.sha256:
        raise FileChangedError("it changed since the sweep was planned")
    yield held
    sent(len(held))
