"""Uploading the local files of a plan, each once per region, several at a time."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

import anyio
from aiolimiter import AsyncLimiter

from batchrun.errors import ApiError, LedgerWriteError, Problem, UploadError, first_of
from batchrun.sweep.local_file import LocalFile, UploadPlan
from batchrun.uploads.presigned import FileChangedError, PresignedUploader, UploadRefusedError
from batchrun.uploads.progress import UploadProgress
from batchrun.wherobots.storage import Storage

__all__ = ["Pending", "Uploads", "new_uploads", "pending_uploads"]

CONCURRENCY = 8
"""Uploads at a time: enough to fill a line with small files, few enough not to crowd a large one out."""
CALLS_PER_S = 20
"""Calls of the storage API, so that a thousand small files do not look like an attack. They may start with a burst of as
many, which is what a leaky bucket allows and a batch of files needs."""
MAX_TRIES = 5
LONGEST_WAIT_S = 120.0
"""A service that asks for a longer wait is not waited for: what was uploaded is kept, and the batch can be resumed."""
NOT_RETRIED = range(300, 500)
RETRIED = frozenset({408, 425, 429})
NOT_UPLOADED = "not uploaded: "
SUBMIT_AGAIN = "submit again; what was uploaded is kept"
REASONS = dict.fromkeys(range(300, 400), "check the base URL") | {
    401: "check WHEROBOTS_API_KEY, then submit again",
    403: "ask an administrator of the organization for access to its storage, or use an s3:// URI",
    404: "storage is not enabled in this region: use an s3:// URI, or use a region that has storage",
    413: "put the file into storage yourself and use its s3:// URI",
    429: "submit again later; what was uploaded is kept",
}
"""What to do about a refusal, by HTTP status."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A file that is to be uploaded for runs of a region."""

    file: LocalFile
    region: str


def pending_uploads(plan: Iterable[UploadPlan], done: Mapping[tuple[str, str, str], str]) -> list[Pending]:
    """What is still to be uploaded: every file for every region whose runs use it, equal content and name once."""
    found = {
        (upload.file.name, upload.file.sha256, region): Pending(upload.file, region)
        for upload in plan
        for region in upload.runs
    }
    return [pending for key, pending in found.items() if key not in done]


def new_uploads(plan: Iterable[UploadPlan], done: Mapping[tuple[str, str, str], str]) -> list[UploadPlan]:
    """The files of a plan that some region still lacks."""
    return [upload for upload in plan if pending_uploads([upload], done)]


class Uploads:
    """One pass over what is to be uploaded.

    ``recorded`` makes a destination durable before anything relies on it; ``wait_s`` gives the seconds to wait after the
    n-th failure.
    """

    def __init__(
        self,
        pending: list[Pending],
        *,
        storage: Storage,
        uploader: PresignedUploader,
        recorded: Callable[[Pending, str], Awaitable[None]],
        wait_s: Callable[[int], float],
    ) -> None:
        self._pending = pending
        self._storage = storage
        self._uploader = uploader
        self._recorded = recorded
        self._wait_s = wait_s
        self._calls = AsyncLimiter(CALLS_PER_S, 1)
        self._sent = dict.fromkeys(pending, 0)
        self._done: set[Pending] = set()
        self._problems: list[Problem] = []
        self._trouble = ""

    @property
    def progress(self) -> UploadProgress:
        return UploadProgress(
            files=len(self._pending),
            files_done=len(self._done),
            size=sum(one.file.size for one in self._pending),
            size_done=sum(self._sent.values()),
            trouble=self._trouble,
        )

    async def run(self) -> None:
        """Upload everything.

        Raises:
            UploadError: some files could not be uploaded; the others are, and are recorded.
            LedgerWriteError: a destination could not be recorded.

        """
        limiter = anyio.CapacityLimiter(CONCURRENCY)
        failure: Exception | None = None
        try:
            async with anyio.create_task_group() as tasks:
                for pending in self._pending:
                    tasks.start_soon(self._upload, pending, limiter)
        except* LedgerWriteError as group:
            failure = first_of(group)
        if failure is not None:
            raise failure
        if self._problems:
            # In the order of places: uploads end in any order, and a batch stops with the first problem.
            raise UploadError(sorted(self._problems, key=lambda problem: problem.place))

    async def _upload(self, pending: Pending, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            try:
                destination = await self._until_done(pending)
            except (ApiError, FileChangedError, UploadRefusedError) as error:
                self._problems.append(_problem(pending, error))
                return
            await self._recorded(pending, destination)
            self._sent[pending] = pending.file.size
            self._done.add(pending)
            self._trouble = ""

    async def _until_done(self, pending: Pending) -> str:
        """The destination of a file that is in storage, after as many tries as make sense."""
        tries = 0
        while True:
            tries += 1
            # From the start: a presigned URL takes the whole file or nothing.
            self._sent[pending] = 0
            try:
                return await self._once(pending)
            except (ApiError, UploadRefusedError) as error:
                asked_s = (error.retry_after_s or 0.0) if isinstance(error, ApiError) else 0.0
                if tries >= MAX_TRIES or not _is_retriable(error) or asked_s > LONGEST_WAIT_S:
                    raise
                self._trouble = _problem(pending, error).fact.removeprefix(NOT_UPLOADED)
                await anyio.sleep(max(asked_s, self._wait_s(tries)))

    async def _once(self, pending: Pending) -> str:
        file = pending.file
        await self._calls.acquire()
        ticket = await self._storage.ticket(pending.region, file.storage_path)
        # Asked after the ticket, since only that says where the file is, uploaded just now or before.
        if not await self._is_there(pending):
            await self._uploader.put(ticket.upload_url, file, lambda size: self._count(pending, size))
        return ticket.destination

    async def _is_there(self, pending: Pending) -> bool:
        """Whether the same content was uploaded before. Where that cannot be asked, it is uploaded again: no harm."""
        file = pending.file
        folder = file.storage_path.rpartition("/")[0]
        await self._calls.acquire()
        try:
            return await self._storage.holds(pending.region, folder, file.name, file.size)
        except ApiError:
            return False

    def _count(self, pending: Pending, size: int) -> None:
        self._sent[pending] += size


def _is_retriable(error: ApiError | UploadRefusedError) -> bool:
    if isinstance(error, UploadRefusedError):
        return error.is_retriable
    status = error.trouble.status
    return status is None or status in RETRIED or status not in NOT_RETRIED


def _problem(pending: Pending, error: ApiError | FileChangedError | UploadRefusedError) -> Problem:
    place = f"{pending.file.path} ({pending.region})"
    match error:
        case FileChangedError():
            return Problem(place, f"{NOT_UPLOADED}{error}", "submit again to plan with the file as it is now")
        case UploadRefusedError():
            return Problem(place, f"{NOT_UPLOADED}{error}", error.fix or SUBMIT_AGAIN)
        case _:
            problem = error.problems[0]
            fix = REASONS.get(error.trouble.status or 0, problem.fix or SUBMIT_AGAIN)
            return Problem(place, f"{NOT_UPLOADED}{problem.place}: {problem.fact}", fix)
