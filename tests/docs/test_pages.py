"""What the pages show is what happens: sessions are run again, manifests planned, Python executed, links followed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typing_extensions import override

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("benchmarks/**/README.md"))]
TUTORIAL = ROOT / "docs" / "tutorial.md"
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block; ``only-shown`` behind the language marks one that installs or serves something."""

    page: Path
    line: int
    language: str
    text: str

    @override
    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(language: str, pages: list[Path] = PAGES) -> Iterator[Block]:
    """The fenced blocks of one language, page by page."""
    for page in pages:
        text = page.read_text("utf-8")
        for found in _FENCE.finditer(text):
            if found[1] == language and "only-shown" not in found[2]:
                yield Block(
                    page=page,
                    line=text.count("\n", 0, found.start()) + 1,
                    language=language,
                    text=found[3],
                )


SESSIONS = list(blocks("console", [page for page in PAGES if page != TUTORIAL]))
SCRIPTS = list(blocks("python"))
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
VARYING = re.compile(r"\d[\d,]*(?:\.\d+)? (?:s|ms|µs|min|MB|runs/s)(?!\w)|\d[\d.,]*/s")
"""Times, rates and memory: what differs from one run to the next."""


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A directory as the pages assume it: the examples at hand, the command on the path."""
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    return tmp_path


def run(command: str, directory: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("WHEROBOTS_", "BATCHRUN_"))}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    environ["COLUMNS"] = "100"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def steps(session: str) -> list[tuple[str, list[str]]]:
    """Each command of a session with the lines that it is said to print; ``...`` stands for any lines."""
    found: list[tuple[str, list[str]]] = []
    for line in session.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line)
    return found


def settled(line: str) -> str:
    return " ".join(VARYING.sub("N", line).split())


def check_session(session: Block, directory: Path) -> None:
    for command, expected in steps(session.text):
        printed = [settled(line) for line in run(command, directory).splitlines()]
        for line in expected:
            assert is_printed(settled(line), printed), f"$ {command}\n" + "\n".join(printed)


def is_printed(expected: str, printed: list[str]) -> bool:
    """``...`` stands for any lines; at the end of a line, for the rest of it."""
    if expected.endswith("..."):
        return any(line.startswith(expected.removesuffix("...")) for line in printed) or expected == "..."
    return expected in printed


@pytest.mark.parametrize("session", SESSIONS, ids=str)
def test_a_session_prints_what_the_page_shows(session: Block, workshop: Path) -> None:
    check_session(session, workshop)


def test_the_tutorial_can_be_followed_from_the_first_to_the_last_command(workshop: Path) -> None:
    (sweep, *_) = blocks("toml", [TUTORIAL])
    (workshop / "ndvi.toml").write_text(sweep.text, "utf-8")
    job = re.search(r"the job, `(.+?)`:\n\n```python only-shown\n(.*?)```", TUTORIAL.read_text("utf-8"), re.DOTALL)
    assert job
    (workshop / job[1]).write_text(job[2], "utf-8")
    for session in blocks("console", [TUTORIAL]):
        # If the kill hits a request in flight, its run is settled; half a minute of waiting for that shows nothing more.
        quick = session.text.replace("--emulator --extend", "--emulator --extend --settle-after 2s")
        check_session(replace(session, text=quick), workshop)
    (followed,) = re.findall(
        r"^```console only-shown\n(.*?)```$", TUTORIAL.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    for command, _ in steps(followed):
        printed = run(command.replace("watch ndvi.toml", "watch ndvi.toml --timeout 1s"), workshop)
        assert {"planned 123", "planned 123 runs"} & {settled(line) for line in printed.splitlines()}, printed


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_a_script_runs(script: Block, workshop: Path) -> None:
    (workshop / "script.py").write_text(script.text, "utf-8")
    assert "Traceback" not in run(f"{sys.executable} script.py", workshop)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_a_section_name_one_that_exists(page: Path) -> None:
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8"))
    wrong = [
        f"{target}#{name}" for target, name in found if name not in sections(page.parent / target if target else page)
    ]
    assert wrong == []


def sections(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


ONLY_SHOWN = {
    "docs/emulator.md": "test_sessions.py: against an emulator on another port; the first block installs batchrun and serves",
    "docs/exactly-once.md": "test_commands.py: the runs and files named are only examples",
    "docs/how-to/python.md": "test_how_to.py: all snippets together, with an open client",
    "docs/how-to/report.md": "test_how_to.py: with the ledger of a batch",
    "docs/how-to/results.md": "test_how_to.py: with the export of a batch",
    "docs/how-to/resume.md": "test_sessions.py: with a sweep that changed",
    "docs/how-to/testing.md": "test_how_to.py: with pytest",
    "docs/how-to/unknown-runs.md": "test_sessions.py: at a service with lost responses",
    "docs/tutorial.md": "below: the job is submitted; watching ends after a second",
}
"""Pages with blocks that the tests of this file do not run as they are, and what does instead."""


def test_every_block_is_run_or_a_reason_is_known() -> None:
    found = {
        str(page.relative_to(ROOT))
        for page in PAGES
        if any("only-shown" in two for _, two, _ in _FENCE.findall(page.read_text("utf-8")))
    }
    assert found == set(ONLY_SHOWN)


def test_every_block_is_of_a_language_that_some_test_reads() -> None:
    read = {"console", "python", "toml", "sh", "sql", "text", "mermaid", "eval-rst"}  # text and mermaid are not run
    languages = {
        fence[1] for page in PAGES for fence in re.finditer(r"^```([\w-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert languages <= read


def test_the_readme_shows_a_session() -> None:
    assert any(session.page.name == "README.md" for session in SESSIONS)


def test_the_figures_of_the_readme_are_those_of_the_page_that_explains_them() -> None:
    readme, page = (path.read_text("utf-8") for path in (ROOT / "README.md", ROOT / "docs" / "exactly-once.md"))
    paragraph = readme.split("These rules are tested")[1].split("\n\n")[0]
    numbers = re.findall(r"\d[\d,]*", paragraph)
    assert len(numbers) > 5
    assert [number for number in numbers if not re.search(rf"(?<![\d,]){number}(?![\d,])", page)] == []
