"""The service's own SDK in eight threads. It never repeats a POST, so the loop does."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from sweep import REFUSED, REGION, body, finish, keep, left
from wherobots.api.runs import RunsAPI
from wherobots.config import WherobotsConfig
from wherobots.exceptions import WherobotsAPIError
from wherobots.models import CreateRunPayload, RunPythonPayload

mine, writing = threading.local(), threading.Lock()


def create(name: str) -> None:
    if not hasattr(mine, "api"):  # a session of requests is not safe to share
        mine.api = RunsAPI.from_config(WherobotsConfig.from_env())
    job = body(name)["runPython"]
    run_python = RunPythonPayload(uri=job["uri"], args=job["args"])
    payload = CreateRunPayload(runtime="tiny", name=name, run_python=run_python, timeout_seconds=3600)
    for attempt in range(8):
        try:
            run = mine.api.create(payload, region=REGION)
        except WherobotsAPIError as error:
            if error.status_code in REFUSED:
                raise
            time.sleep(random.uniform(0, min(30, 0.5 * 2**attempt)))
        else:
            with writing:
                keep(name, run.id)
            return


with ThreadPoolExecutor(8) as pool:
    list(pool.map(create, left()))
finish()
