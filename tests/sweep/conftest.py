"""What the tests of sweeps share: a manifest from its text, planned, and what is wrong with one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from batchrun.errors import ManifestError
from batchrun.sweep.manifest.manifest import Manifest, Overrides
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
    """A whole manifest around what a test is about."""
    return "version = 1\n" + RUN.format(name=name, args=args) + rest


@pytest.fixture
def planned(tmp_path: Path) -> Planner:
    """Plans the text of a manifest whose data files stand in the test's own directory."""

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
    """Everything that is wrong with a manifest, each as one line."""

    def complain(text: str, *more: object) -> list[str]:
        with pytest.raises(ManifestError) as caught:
            planned(text, *more)
        return [problem.text() for problem in caught.value.problems]

    return complain
