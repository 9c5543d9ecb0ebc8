"""What the Python clients share: the names, the body of a request, and a file of what was created."""

import json
from pathlib import Path
from typing import Any

REGION = "aws-us-west-2"
NAMES = Path("names.txt").read_text("utf-8").split()
CREATED = Path("created.jsonl")
REFUSED = frozenset({400, 401, 403, 404, 405, 413, 422})
"""No attempt to the same end can succeed."""


def body(name: str) -> dict[str, Any]:
    job = {"uri": "s3://acme/job.py", "args": ["--tile", name]}
    return {"name": name, "runtime": "tiny", "timeoutSeconds": 3600, "runPython": job}


def created() -> dict[str, str]:
    """Run ids by name; a line that a crash cut short is skipped."""
    ids = {}
    for line in CREATED.read_text("utf-8").splitlines() if CREATED.exists() else []:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        ids[record["name"]] = record["id"]
    return ids


def left() -> list[str]:
    done = created()
    return [name for name in NAMES if name not in done]


def keep(name: str, run_id: str) -> None:
    """Append to the file, as soon as the response is there."""
    with CREATED.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"name": name, "id": run_id}) + "\n")


def finish() -> None:
    """Say how many were created, and fail unless all were."""
    count = len(created())
    print(f"{count} of {len(NAMES)} created")
    raise SystemExit(count < len(NAMES))
