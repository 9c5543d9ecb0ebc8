"""schemathesis finds no fault, neither from the contract nor from the emulator's own OpenAPI document."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from tests.emulator.shapes import DATA

WISHED = int(os.environ.get("BATCHRUN_FUZZ_EXAMPLES", "0"))
EXAMPLES = str(min(200, WISHED) or 5)
TIMEOUT_S = 1800 if WISHED else 100
SERVED = "^/(runs|usage|organization|storage|me)"
CONTRACT = Path(__file__).parent / "contract.json"
CONFORMANCE = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
VERDICTS = f"{CONFORMANCE},response_headers_conformance,negative_data_rejection,positive_data_acceptance"


def fuzz(server: EmulatorServer, description: str, checks: str, directory: Path, *more: str) -> str:
    """The output of schemathesis, which must find nothing."""
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", description, "--url", server.url]
    flags = ["--header", "X-API-Key: right", "--checks", checks, "--seed", "1", "--no-color", *more]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    found = subprocess.run(
        [*command, *flags],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.mark.slow
def test_creating_runs_conforms_to_the_contract(tmp_path: Path) -> None:
    with EmulatorServer(EmulatorSettings(api_key="right")) as server:
        output = fuzz(
            server, str(CONTRACT), VERDICTS, tmp_path, "--max-examples", EXAMPLES, "--phases", "coverage,fuzzing"
        )
    assert "Tested: 1" in output


@pytest.mark.slow
def test_every_call_conforms_to_the_description_that_is_served(tmp_path: Path) -> None:
    with EmulatorServer(EmulatorSettings(api_key="right")) as server:
        output = fuzz(
            server,
            f"{server.url}/openapi.json",
            CONFORMANCE,
            tmp_path,
            *("--include-path-regex", SERVED, "--max-examples", EXAMPLES, "--phases", "fuzzing"),
        )
    assert "Tested: 14" in output


@pytest.mark.slow
def test_the_calls_beside_creating_conform_to_the_public_description(tmp_path: Path) -> None:
    with EmulatorServer(EmulatorSettings(api_key="right")) as server:
        output = fuzz(
            server,
            str(DATA),
            CONFORMANCE,
            tmp_path,
            *("--include-path-regex", SERVED, "--max-examples", EXAMPLES, "--phases", "coverage,fuzzing"),
        )
    assert "Tested: 13" in output
