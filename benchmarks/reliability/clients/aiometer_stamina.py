"""httpx, with aiometer to pace eight at once and 20 a second, and stamina to repeat what fails."""

import asyncio
import os

import aiometer
import httpx
import stamina
from sweep import REFUSED, REGION, body, finish, keep, left


def is_transient(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code not in REFUSED
    return isinstance(error, (httpx.TransportError, ValueError))  # ValueError: a body that is not JSON


@stamina.retry(on=is_transient, attempts=8)
async def create(client: httpx.AsyncClient, name: str) -> str:
    response = await client.post("/runs", params={"region": REGION}, json=body(name))
    response.raise_for_status()
    return str(response.json()["id"])


async def main() -> None:
    headers = {"X-API-Key": os.environ["WHEROBOTS_API_KEY"]}
    async with httpx.AsyncClient(base_url=os.environ["WHEROBOTS_API_BASE_URL"], headers=headers, timeout=30) as client:

        async def one(name: str) -> None:
            keep(name, await create(client, name))

        await aiometer.run_on_each(one, left(), max_at_once=8, max_per_second=20)
    finish()


asyncio.run(main())
