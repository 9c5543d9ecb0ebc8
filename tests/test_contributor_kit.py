"""What contributors and CI rely on exists: make targets, Python versions, hooks, templates, examples in CONTRIBUTING."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def loaded(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "CONTRIBUTING.md", ROOT / "README.md"], ids=lambda path: path.name)
def test_make_targets_that_are_named_exist(path: Path) -> None:
    named = set(re.findall(r"(?:`|run: |^)make ([a-z-]+)", path.read_text("utf-8"), re.MULTILINE))
    assert named
    assert named <= TARGETS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_jobs_that_check_out_and_run_something(path: Path) -> None:
    workflow = loaded(path)
    assert workflow[True]  # YAML 1.1 reads the key `on` as true
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        assert all("uses" in step or "run" in step for step in job["steps"])


def test_ci_tests_the_versions_of_python_that_the_package_names() -> None:
    matrix = loaded(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    prefix = "Programming Language :: Python :: "
    named = [one.removeprefix(prefix) for one in PROJECT["classifiers"] if one.startswith(prefix)]
    assert matrix["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_dependabot_and_the_issue_templates_are_whole() -> None:
    updates = loaded(ROOT / ".github" / "dependabot.yml")["updates"]
    assert {one["package-ecosystem"] for one in updates} == {"pip", "github-actions"}
    for template in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = loaded(template)
        assert form["name"]
        assert form["description"]
        assert all(part["attributes"]["label"] for part in form["body"])


def test_the_hooks_are_tools_that_the_project_installs() -> None:
    hooks = [hook for repo in loaded(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    tools = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    packages = {"ruff": "ruff", "mypy": "mypy", "lint-imports": "import-linter"}
    assert tools == packages.keys()
    installed = {re.split(r"[>\[]", one)[0] for one in PROJECT["optional-dependencies"]["dev"]}
    assert set(packages.values()) <= installed


def test_the_guide_for_contributors_names_files_and_names_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for path in re.findall(r"`((?:batchrun|tests|docs)/[\w/.]+)`", text):
        assert path.endswith("NAME.py") or (ROOT / path).exists(), path
    for name, path in re.findall(r"`([A-Z_]+)` (?:of|in) `(batchrun/[\w/.]+)`", text):
        assert name in (ROOT / path).read_text("utf-8"), f"{name} in {path}"
