"""Read requests: tried again when they fail for a moment, refused when they are."""

import anyio.lowlevel
import pytest

from batchrun.errors import ApiError, Trouble
from batchrun.tracking.reading import CallRefusedError, Reader, ReadFailure, failure_of
from tests.engine.virtual_time import VirtualClock


def error(status: int | None, code: str | None = None, retry_after_s: float | None = None) -> ApiError:
    trouble = Trouble(status=status, code=code)
    return ApiError("GET /runs", "refused", trouble=trouble, retry_after_s=retry_after_s)


class Script:
    """Answers with these statuses in turn; 200 is an answer."""

    def __init__(self, *statuses: int | None, retry_after_s: float | None = None) -> None:
        self.left = list(statuses)
        self.retry_after_s = retry_after_s

    async def __call__(self) -> str:
        status = self.left.pop(0)
        if status != 200:
            raise error(status, retry_after_s=self.retry_after_s)
        return "answer"


READER = Reader(anyio.lowlevel.checkpoint)


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (None, None, ReadFailure.PASSING),
        (500, None, ReadFailure.PASSING),
        (429, None, ReadFailure.PASSING),
        (403, "RATE_LIMIT_ERROR", ReadFailure.PASSING),
        (404, None, ReadFailure.NOT_FOUND),
        (403, None, ReadFailure.REFUSED),
        (405, None, ReadFailure.REFUSED),
        (422, None, ReadFailure.INVALID),
        (401, None, ReadFailure.UNAUTHORIZED),
        (307, None, ReadFailure.UNAUTHORIZED),
    ],
)
def test_a_failure_is_judged_by_its_status(status: int | None, code: str | None, failure: ReadFailure) -> None:
    assert failure_of(error(status, code)) is failure


async def test_a_call_that_fails_for_a_moment_is_made_again() -> None:
    assert await READER.read(Script(500, None, 429, 200)) == "answer"


async def test_a_call_that_keeps_failing_is_an_error_that_may_pass() -> None:
    with pytest.raises(ApiError):
        await READER.read(Script(500, 500, 500, 500))


async def test_a_call_that_is_refused_three_times_is_refused() -> None:
    with pytest.raises(CallRefusedError):
        await READER.read(Script(403, 403, 403))
    assert await READER.read(Script(403, 404, 500, 200)) == "answer"
    with pytest.raises(ApiError):
        await READER.read(Script(500, 403, 403, 500))


async def test_a_question_that_is_not_understood_is_not_repeated() -> None:
    with pytest.raises(CallRefusedError):
        await READER.read(Script(422))


async def test_a_404_is_an_answer_where_something_may_be_missing() -> None:
    assert await READER.read(Script(404), may_miss=True) is None
    with pytest.raises(CallRefusedError):
        await READER.read(Script(404, 404, 404))


async def test_retry_after_is_obeyed_up_to_a_minute(clock: VirtualClock) -> None:
    began_s = clock.now_s
    assert await READER.read(Script(429, 200, retry_after_s=30)) == "answer"
    assert clock.now_s - began_s == pytest.approx(30, abs=0.1)
    with pytest.raises(ApiError):
        await READER.read(Script(429, 200, retry_after_s=300))
