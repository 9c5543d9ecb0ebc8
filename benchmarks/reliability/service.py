"""The faulty service of the comparison, and what it really holds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batchrun.emulator.fault_settings import Faults
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings

__all__ = ["KEY", "environment", "serve", "times_created", "write_names"]

KEY = "reliability-benchmark"
FAULTS = Faults.model_validate(
    {
        "error_before_commit": 0.03,
        "error_after_commit": 0.03,
        "reset_before_commit": 0.02,
        "reset_after_commit": 0.03,
        "cut_body": 0.02,
        "hang": 0.01,
        "slow": 1.0,
    }
)
"""In 9 of 100 requests the run is created and its response lost; in 5 of 100 the request fails and nothing is created."""
RESPONSE_S = 0.2
HANG_S = 5.0
LIMIT_PER_S, BURST = 40.0, 20


@contextmanager
def serve(seed: int) -> Iterator[EmulatorServer]:
    """The service over https, since the service's own SDK refuses anything else."""
    settings = EmulatorSettings(
        seed=seed,
        api_key=KEY,
        faults=FAULTS,
        error_statuses=(500, 502, 503, 504),
        slow_s=RESPONSE_S,
        hang_s=HANG_S,
        rate_limit_per_s=LIMIT_PER_S,
        burst=BURST,
    )
    with EmulatorServer(settings, tls=True) as server:
        yield server


def environment(server: EmulatorServer) -> dict[str, str]:
    """What a client needs to reach it; each finds the certificate its own way."""
    certificate = str(server.ca_file)
    trusted = dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), certificate)
    return {"WHEROBOTS_API_BASE_URL": server.url, "WHEROBOTS_API_KEY": KEY, **trusted}


def times_created(server: EmulatorServer, names: list[str]) -> Counter[int]:
    """How many of ``names`` exist how often; a name that the service does not have counts under 0."""
    held = Counter(str(run["name"]) for run in server.runs())
    return Counter(held[name] for name in names)


def write_names(folder: Path, count: int) -> list[str]:
    """The names of the runs, in a file with a name a line, and as a sweep."""
    names = [f"ndvi-tile-{number}" for number in range(1, count + 1)]
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in names), "utf-8")
    (folder / "sweep.toml").write_text(SWEEP.format(runs=count), "utf-8")
    return names


SWEEP = """# {runs} runs
version = 1

[run]
name    = "ndvi-tile-{{{{tile}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/job.py"
args    = ["--tile", "ndvi-tile-{{{{tile}}}}"]

[axes]
tile = {{ from = 1, to = {runs} }}
"""
