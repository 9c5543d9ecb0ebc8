"""The example projects run, as a reader would run them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import load_settings

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(
    *command: str, directory: Path, environ: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*command],
        cwd=directory,
        env={**os.environ, "PATH": path, **environ},
        text=True,
        capture_output=True,
        check=False,
        timeout=90,
    )


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy: an example writes its ledger beside its sweep."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    return tmp_path / "examples"


def test_the_sweep_is_planned_and_submitted_with_its_script(examples: Path) -> None:
    planned = run("batchrun", "plan", "ndvi.toml", directory=examples / "ndvi")
    assert "ndvi: 16 runs" in planned.stdout, planned.stderr
    assert planned.stderr == ""
    done = run("batchrun", "submit", "ndvi.toml", "--emulator", directory=examples / "ndvi")
    assert done.returncode == 0, done.stderr


def test_the_job_script_explains_itself_without_spark(examples: Path) -> None:
    assert "--area" in run(sys.executable, "ndvi.py", "--help", directory=examples / "ndvi").stdout


def test_the_fixture_tests_code_that_submits(examples: Path) -> None:
    done = run("pytest", "-q", "-p", "no:cacheprovider", directory=examples / "pytest-fixture")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_notebook_runs_from_top_to_bottom(examples: Path) -> None:
    code = """
import nbclient, nbformat
notebook = nbformat.read("sweep.ipynb", as_version=4)
nbclient.NotebookClient(notebook, timeout=80, kernel_name="python3").execute()
print([cell.outputs[-1].data.get("text/plain", "") for cell in notebook.cells if cell.cell_type == "code" and cell.outputs])
"""
    done = run(sys.executable, "-c", code, directory=examples / "notebook")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "16" in done.stdout
    assert "COMPLETED" in done.stdout


def test_the_workflow_submits_and_the_next_one_continues(examples: Path, tmp_path: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load((EXAMPLES / "github-actions/sweep.yml").read_text("utf-8"))
    steps = workflow["jobs"]["sweep"]["steps"]
    commands = [step["run"] for step in steps if step.get("run", "").startswith("batchrun ")]
    (cached,) = {step["with"]["path"] for step in steps if "cache" in step.get("uses", "")}
    (uploaded,) = (step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", ""))
    with EmulatorServer(load_settings(None, {"startup_s": 0, "run_s": 0.1})) as service:
        environ = {"WHEROBOTS_API_BASE_URL": service.url, **dict.fromkeys(workflow["jobs"]["sweep"]["env"], "any-key")}
        for number, workspace in enumerate((tmp_path / "first", tmp_path / "second")):
            shutil.copytree(examples / "ndvi", workspace / "sweeps")
            if number:
                shutil.copy(tmp_path / "first" / cached, workspace / cached)
            for command in commands:
                done = run(*command.split(), directory=workspace, environ=environ)
                assert done.returncode == 0, f"{command}\n{done.stderr}"
            assert (workspace / uploaded).stat().st_size > 10_000
        assert len(service.runs()) == 16
