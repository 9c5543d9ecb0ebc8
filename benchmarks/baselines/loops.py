"""What people write instead: bare client loops that POST one constant payload ``--runs`` times.

Each is run as a process of its own by ``benchmarks/submit.py``; none of them paces, retries, records or looks at what
came back beyond its status.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable

BODY = (
    b'{"environment":{"dependencies":[],"sparkConfigs":{}},"name":"bench-us-west-2021","runPython":{"args":'
    b'["--region","us-west","--year","2021"],"uri":"s3://acme/jobs/ndvi.py"},"runtime":"tiny","timeoutSeconds":3600}'
)
HEADERS = {"X-API-Key": "bench", "Content-Type": "application/json"}
CREATED = 201

Post = Callable[[], Awaitable[int]]


async def spread(runs: int, concurrency: int, post: Post) -> None:
    """``concurrency`` tasks share ``runs`` calls."""
    left = iter(range(runs))

    async def work() -> None:
        for _ in left:
            assert await post() == CREATED

    async with asyncio.TaskGroup() as tasks:
        for _ in range(concurrency):
            tasks.create_task(work())


async def httpx_loop(url: str, runs: int, concurrency: int) -> None:
    import httpx

    limits = httpx.Limits(max_connections=concurrency)
    async with httpx.AsyncClient(limits=limits, headers=HEADERS) as client:

        async def post() -> int:
            return (await client.post(url, content=BODY)).status_code

        await spread(runs, concurrency, post)


async def httpx2_loop(url: str, runs: int, concurrency: int) -> None:
    import httpx2

    limits = httpx2.Limits(max_connections=concurrency)
    async with httpx2.AsyncClient(limits=limits, headers=HEADERS) as client:

        async def post() -> int:
            return int((await client.post(url, content=BODY)).status_code)

        await spread(runs, concurrency, post)


async def aiohttp_loop(url: str, runs: int, concurrency: int) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency), headers=HEADERS) as session:

        async def post() -> int:
            async with session.post(url, data=BODY) as answer:
                await answer.read()
                return answer.status

        await spread(runs, concurrency, post)


async def aiometer_loop(url: str, runs: int, concurrency: int) -> None:
    import aiometer
    import httpx

    limits = httpx.Limits(max_connections=concurrency)
    async with httpx.AsyncClient(limits=limits, headers=HEADERS) as client:

        async def post(_: int) -> None:
            assert (await client.post(url, content=BODY)).status_code == CREATED

        await aiometer.run_on_each(post, list(range(runs)), max_at_once=concurrency)


LOOPS = {"httpx": httpx_loop, "httpx2": httpx2_loop, "aiohttp": aiohttp_loop, "aiometer": aiometer_loop}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loop", choices=LOOPS)
    parser.add_argument("--url", required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--uvloop", action="store_true")
    args = parser.parse_args()
    job = LOOPS[args.loop](args.url, args.runs, args.concurrency)
    if args.uvloop:
        import uvloop

        uvloop.run(job)
    else:
        asyncio.run(job)


if __name__ == "__main__":
    main()
