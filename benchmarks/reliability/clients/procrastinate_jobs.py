"""A job for each run in procrastinate's queue in PostgreSQL; jobs of a dead worker are put back, as its docs show."""

import asyncio
import os
import time

import httpx
import procrastinate
from aiolimiter import AsyncLimiter
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Status
from sweep import NAMES, REGION, body

QUIET_S = 10  # its default is 30: a worker that was killed is noticed sooner here
LONGEST_S = 900  # a job that no worker takes and no worker ends must not hold the comparison up forever

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))
limiter = AsyncLimiter(20, 1)
client = httpx.AsyncClient(
    base_url=os.environ["WHEROBOTS_API_BASE_URL"], headers={"X-API-Key": os.environ["WHEROBOTS_API_KEY"]}, timeout=30
)


@app.task(name="create", queue="runs", retry=procrastinate.RetryStrategy(max_attempts=8, exponential_wait=2))
async def create(name: str) -> str:
    async with limiter:
        response = await client.post("/runs", params={"region": REGION}, json=body(name))
    response.raise_for_status()
    return str(response.json()["id"])


async def jobs(status: Status) -> int:
    return len(list(await app.job_manager.list_jobs_async(status=status.value)))


async def main() -> None:
    async with app.open_async():
        known = {job.lock for job in await app.job_manager.list_jobs_async()}
        for name in NAMES:
            if name not in known:
                try:
                    await create.configure(lock=name, queueing_lock=name).defer_async(name=name)
                except AlreadyEnqueued:
                    continue
        ends_s = time.monotonic() + LONGEST_S
        while await jobs(Status.TODO) + await jobs(Status.DOING) and time.monotonic() < ends_s:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=QUIET_S):
                await app.job_manager.retry_job(job)
            await app.run_worker_async(
                concurrency=8,
                wait=False,
                update_heartbeat_interval=QUIET_S / 3,
                stalled_worker_timeout=QUIET_S,
                install_signal_handlers=False,
            )
            await asyncio.sleep(0.5)
        done = await jobs(Status.SUCCEEDED)
    print(f"{done} of {len(NAMES)} created")
    raise SystemExit(done < len(NAMES))


if __name__ == "__main__":
    asyncio.run(main())
