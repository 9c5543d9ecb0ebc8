"""A process that may open few files allows itself more, or says so at once."""

import resource
import subprocess
from pathlib import Path

import pytest

from tests.cli.terminal import COMMAND


def limited(sweep: Path, soft: int, hard: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "submit", sweep, "--yes", "--base-url", "http://127.0.0.1:9"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("allowed", [5, 6, 8, 16, 24])
def test_too_few_files_are_one_line_that_says_how_to_allow_more(sweep: Path, allowed: int) -> None:
    done = limited(sweep, allowed, allowed)
    assert done.returncode == 2
    last = f"error: ulimit -n: the limit of open files is {allowed}, which is too low; raise it: ulimit -n 1024"
    assert done.stderr.splitlines()[-1] == last
    assert "loop" not in done.stderr


def test_a_limit_of_the_shell_alone_is_raised(sweep: Path) -> None:
    done = limited(sweep, 24, 2048)
    assert done.returncode == 3
    assert "connection refused" in done.stderr
