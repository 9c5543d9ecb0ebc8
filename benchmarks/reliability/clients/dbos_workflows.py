"""A durable DBOS workflow for each run, its id the run's name, on a queue that starts 20 a second."""

import os
from functools import cache

import httpx
from dbos import DBOS, DBOSConfig, SetWorkflowID
from sweep import NAMES, REGION, body

config: DBOSConfig = {
    "name": "sweep",
    "system_database_url": os.environ["DATABASE_URL"],
    "log_level": "ERROR",
    "application_version": "1",
}
DBOS(config=config)


@cache
def client() -> httpx.Client:
    headers = {"X-API-Key": os.environ["WHEROBOTS_API_KEY"]}
    return httpx.Client(base_url=os.environ["WHEROBOTS_API_BASE_URL"], headers=headers, timeout=30)


@DBOS.step(retries_allowed=True, max_attempts=8, interval_seconds=0.5)
def create(name: str) -> str:
    response = client().post("/runs", params={"region": REGION}, json=body(name))
    response.raise_for_status()
    return str(response.json()["id"])


@DBOS.workflow()
def submit(name: str) -> str:
    return create(name)


if __name__ == "__main__":
    DBOS.launch()  # continues the workflows that were cut off
    DBOS.register_queue("runs", worker_concurrency=8, limiter={"limit": 20, "period": 1.0})
    handles = []
    for name in NAMES:
        with SetWorkflowID(name):  # known ids are not started again
            handles.append(DBOS.enqueue_workflow("runs", submit, name))
    done = 0
    for handle in handles:
        try:
            handle.get_result()
        except Exception as error:  # noqa: BLE001 - whatever the workflow ended with
            print(error)
        else:
            done += 1
    print(f"{done} of {len(NAMES)} created")
    DBOS.destroy()
    raise SystemExit(done < len(NAMES))
