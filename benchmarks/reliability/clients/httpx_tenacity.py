"""httpx, with tenacity to repeat what fails and aiolimiter to keep to 20 a second."""

import asyncio
import os

import httpx
from aiolimiter import AsyncLimiter
from sweep import REFUSED, REGION, body, finish, keep, left
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

limiter = AsyncLimiter(20, 1)


def is_transient(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code not in REFUSED
    return isinstance(error, (httpx.TransportError, ValueError))  # ValueError: a body that is not JSON


@retry(
    retry=retry_if_exception(is_transient),
    wait=wait_random_exponential(multiplier=0.5, max=30),
    stop=stop_after_attempt(8),
)
async def create(client: httpx.AsyncClient, name: str) -> str:
    async with limiter:
        response = await client.post("/runs", params={"region": REGION}, json=body(name))
    response.raise_for_status()
    return str(response.json()["id"])


async def main() -> None:
    headers = {"X-API-Key": os.environ["WHEROBOTS_API_KEY"]}
    at_once = asyncio.Semaphore(8)
    async with httpx.AsyncClient(base_url=os.environ["WHEROBOTS_API_BASE_URL"], headers=headers, timeout=30) as client:

        async def one(name: str) -> None:
            async with at_once:
                keep(name, await create(client, name))

        await asyncio.gather(*map(one, left()), return_exceptions=True)
    finish()


asyncio.run(main())
