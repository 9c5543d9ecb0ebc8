"""How much memory following takes: a ledger of many runs, of which every one changes at once.

python -m benchmarks.followed_memory [RUNS]
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs

import anyio
import anyio.lowlevel
import httpx
from typing_extensions import override

from batchrun import RunsClient
from batchrun.tracking.batch_follower import BatchFollower
from batchrun.wherobots.settings import ApiSettings
from benchmarks.fold import write

RUNS = 100_000
PAGE = 100
AT = "2026-11-23T10:00:00.000Z"


class Lists(httpx.AsyncBaseTransport):
    """A service that lists every run as RUNNING, page by page, and has nothing else to say."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.calls = 0

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if request.url.path != "/runs":
            return httpx.Response(200, json={"id": "org"})
        query = parse_qs(request.url.query.decode())
        if query.get("size") == ["1"]:
            return httpx.Response(200, json={"items": [], "total": 0})
        first = int(query.get("cursor", ["0"])[0])
        last = min(first + PAGE, self.runs)
        items = [
            {"id": f"gt{n:012d}", "name": f"tile-{n}-2026", "status": "RUNNING", "createTime": AT, "startTime": AT}
            for n in range(first, last)
        ]
        page = {"items": items, "total": self.runs, "next_page": str(last) if last < self.runs else None}
        return httpx.Response(200, content=json.dumps(page).encode())


async def look(path: Path, runs: int) -> None:
    changed = 0

    def count(_: object) -> None:
        nonlocal changed
        changed += 1

    service = Lists(runs)
    async with RunsClient(ApiSettings(api_key="k-benchmark", base_url="http://127.0.0.1:1"), service) as client:
        began = time.perf_counter()
        follower = await BatchFollower.open(
            path, client, wait_for_read=anyio.lowlevel.checkpoint, on_change=count, on_note=print
        )
        opened = time.perf_counter()
        await follower.look_once()
        print(
            f"read {runs:,} runs in {opened - began:.1f} s; looked and recorded in {time.perf_counter() - opened:.1f} s"
        )
        assert (changed, follower.active, follower.unrecorded) == (runs, runs, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(f"{runs:,} followed runs: {peak:.0f} MiB at most, {service.calls:,} calls")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.ledger.jsonl"
        write(path, runs, statuses=False)
        anyio.run(look, path, runs)


if __name__ == "__main__":
    main()
