"""What the tests of sweeps share: a manifest from its text, its plan, and its problems."""

from collections.abc import Callable
from pathlib import Path

import pytest

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.manifest import Manifest, Overrides
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.plan import Plan, build_plan

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"

RUN = """\
[run]
name    = "{name}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/job.py"
args    = {args}
"""

Planner = Callable[..., Plan]
Complainer = Callable[..., list[str]]


def sweep(rest: str, *, args: str = "[]", name: str = "sweep-{{hash}}") -> str:
    """A complete manifest around what a test is about."""
    return "version = 1\n" + RUN.format(name=name, args=args) + rest


def arguments(plan: Plan) -> list[list[str]]:
    """The arguments of each run."""
    scripts = [run.payload.run_python for run in plan]
    return [script.args for script in scripts if script is not None]


def reported(problems: Problems) -> list[str]:
    """Every problem collected so far, each as one line."""
    try:
        problems.check()
    except ManifestError as error:
        return [problem.text() for problem in error.problems]
    return []


@pytest.fixture
def planned(tmp_path: Path) -> Planner:
    """Plans the text of a manifest whose data files are in the test's own directory."""

    def plan(
        text: str,
        overrides: Overrides | None = None,
        environ: dict[str, str] | None = None,
        stdin: bytes | None = None,
    ) -> Plan:
        manifest = Manifest.parse(
            text,
            name="case",
            directory=tmp_path,
            overrides=overrides or Overrides(),
            environ=environ or {},
            stdin=stdin,
        )
        return build_plan(manifest, environ=environ)

    return plan


@pytest.fixture
def complaints(planned: Planner) -> Complainer:
    """Every problem of a manifest, each as one line."""

    def complain(text: str, *more: object) -> list[str]:
        with pytest.raises(ManifestError) as caught:
            planned(text, *more)
        return [problem.text() for problem in caught.value.problems]

    return complain
