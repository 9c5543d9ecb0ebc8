"""The event loop is guarded: a blocking call in a coroutine fails the test that runs it."""

import ast
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from blockbuster import BlockingError
from pydantic import SecretStr
from typing_extensions import override

from batchrun.errors import ApiError
from batchrun.ledger.writer import LedgerWriter
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings
from batchrun.wherobots.transport import SMALL_BYTES, Reply, SendTrace, Transport
from tests.conftest import MAY_BLOCK

ROOT = Path(__file__).parents[1]
OURS = sorted(entry for entry in MAY_BLOCK if entry[0].startswith("batchrun/"))


class SleepyTransport(Transport):
    """Sleeps where it should wait."""

    route = ""

    @override
    async def open(self, headers: Mapping[str, str]) -> None: ...

    @override
    async def close(self) -> None: ...

    @override
    async def send(
        self, method: str, url: str, body: bytes | None, trace: SendTrace, *, most_bytes: int = SMALL_BYTES
    ) -> Reply:
        time.sleep(0.001)  # noqa: ASYNC251 - the mistake that is to be found
        raise ConnectionError


async def test_a_write_to_the_ledger_outside_a_thread_is_an_error(tmp_path: Path, blocking_calls: list[str]) -> None:
    fd = os.open(tmp_path / "ledger", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(BlockingError, match=r"os\.(stat|write)"):
        LedgerWriter(fd, tmp_path / "ledger")._write(b"line\n")
    os.close(fd)
    assert len(blocking_calls) == 1
    blocking_calls.clear()


async def test_a_sleep_that_blocks_is_noted_even_where_the_error_is_caught(blocking_calls: list[str]) -> None:
    api = ApiSettings(api_key=SecretStr("k-blocking"), base_url="http://127.0.0.1:1")
    async with RunsClient(api, SleepyTransport()) as client:
        with pytest.raises(ApiError) as caught:
            await client.list_page(size=1)
    assert isinstance(caught.value.__context__, BlockingError)
    assert [call.partition(":")[0] for call in blocking_calls] == [
        f"time.sleep in {ROOT / 'batchrun/wherobots/client.py'}"
    ]
    blocking_calls.clear()


async def test_the_ledger_writes_and_syncs_in_a_thread(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "ledger", os.O_WRONLY | os.O_CREAT)
    writer = LedgerWriter(fd, tmp_path / "ledger")
    writer.append(b"line\n")
    await writer.sync()
    os.close(fd)
    assert (tmp_path / "ledger").read_bytes() == b"line\n"


@pytest.mark.parametrize(("file", "function"), OURS)
def test_what_may_block_still_exists(file: str, function: str) -> None:
    nodes = ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
    assert function in [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
