"""The keys of every JSON document are those on its page, down to the last level: commands are run, and their output compared."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchrun.cli import app
from batchrun.cli.app import command_line
from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import load_settings

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text("utf-8")
SWEEP = """\
version = 1

[run]
name    = "ndvi-{{region}}-{{year}}"
runtime = "{{runtime}}"
region  = "aws-us-west-2"
python  = "./job.py"
args    = ["--region", "{{region}}", "--year", "{{year}}"]

[axes]
region = ["us", "eu"]
year   = { from = 2021, to = 2033 }

[submit]
settle_after = "0.2s"

[derive.runtime]
lookup  = "year"
map     = { 2021 = "small" }
default = "tiny"

[[exclude]]
region = "us"
year   = 2022

[[override]]
when   = { year = 2023 }
python = "s3://acme/jobs/ndvi.py"
"""
SETTINGS = {
    "startup_s": 0,
    "run_s": 0.1,
    "fail_where": [{"where": "--region eu", "message": "Java heap space"}],
    "enforce_organization": True,
    "disabled_runtimes": ["small"],
}
OPAQUE = {"payload", "point", "watch", "runs", "last_session"}
"""Objects of other documents, or whose keys the sweep decides. ``last_session`` is null before the first."""
FAILED_COMMAND = "failed command"
LINK = re.compile(r"\]\(#([\w-]+)\)")

pytestmark = pytest.mark.e2e


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the page says, and which of it was printed."""

    sections: dict[str, list[dict[str, str]]]
    """By command or object: the tables below its heading, each with the meaning of its keys."""
    headings: dict[str, str]
    """By command or object: the heading, which several commands may share."""
    seen: set[tuple[str, str]] = field(default_factory=set)

    def wrong(self, document: dict[str, Any], section: str) -> Iterator[str]:
        """The printed keys that the page does not have."""
        table = self._table(document, section)
        if table is None:
            yield f"{section}: no table has all of {', '.join(document)}"
            return
        yield from self._wrong(document, section, table, "")

    def _table(self, document: dict[str, Any], section: str) -> dict[str, str] | None:
        return next((table for table in self.sections[section] if set(document) <= set(table)), None)

    def _wrong(self, document: dict[str, Any], section: str, table: dict[str, str], prefix: str) -> Iterator[str]:
        for key, value in document.items():
            path = prefix + key
            if path not in table:
                yield f"{section}: {path}: not on the page"
                continue
            self.seen.add((self.headings[section], path))
            for one in objects(value):
                if links := LINK.findall(table[path]):
                    yield from self._linked(one, links[-1 if "by" in path else 0])
                elif any(other.startswith(f"{path}.") for other in table):
                    yield from self._wrong(one, section, table, f"{path}.")
                elif " by " not in table[path] and key not in OPAQUE:
                    yield f"{section}: {path}: its keys are not on the page"

    def _linked(self, value: dict[str, Any], section: str) -> Iterator[str]:
        """An object that several documents have, or a table of them."""
        if self._table(value, section) is None and all(isinstance(one, dict) for one in value.values()):
            for one in value.values():
                yield from self.wrong(one, section)
        else:
            yield from self.wrong(value, section)

    def unseen(self) -> set[tuple[str, str]]:
        every = {(self.headings[name], key) for name, tables in self.sections.items() for one in tables for key in one}
        return every - self.seen


def objects(value: object) -> list[dict[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def documented() -> Page:
    sections = {FAILED_COMMAND: [{"problems": "list of [problems](#problem)", "exit_status": ""}]}
    headings = {FAILED_COMMAND: FAILED_COMMAND}
    for heading, text in re.findall(r"^##+ ([^\n]+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL):
        for name in heading.replace("`", "").replace(" ", "-").split(",-"):
            sections[name] = [keys(table) for table in text.split("|---|---|\n")[1:]]
            headings[name] = heading
    return Page(sections=sections, headings=headings)


def keys(table: str) -> dict[str, str]:
    rows = re.findall(r"^\| (`.+?) \| (.*) \|$", table, re.MULTILINE)
    return {name: meaning for names, meaning in rows for name in re.findall(r"`([^`]+)`", names)}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    """A service that refuses some runs and fails others, and a folder with a sweep."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("WHEROBOTS_", "BATCHRUN_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "sweep.toml").write_text(SWEEP, "utf-8")
    (tmp_path / "job.py").write_text("import helpers\n", "utf-8")
    (tmp_path / "helpers.py").touch()
    with EmulatorServer(load_settings(None, SETTINGS)) as server:
        monkeypatch.setenv("WHEROBOTS_API_BASE_URL", server.url)
        monkeypatch.setenv("WHEROBOTS_API_KEY", "any-key-will-do")
        yield server


ONE_BATCH = """\
plan sweep.toml
plan nothing.toml
submit sweep.toml --dry-run
submit sweep.toml --yes --watch
submit sweep.toml
plan sweep.toml --like sweep.ledger.jsonl --diff sweep.ledger.jsonl --show 0 --where year=2023
status sweep.toml --failed --by region
status
runs sweep.toml
costs sweep.toml --refresh --by region
logs sweep.toml ndvi-us-2023
logs sweep.toml --failed
logs sweep.toml --status failed --save logs
report sweep.toml -o report.html
rerun sweep.toml --dry-run
rerun sweep.toml --yes
watch sweep.toml
ledger check sweep.ledger.jsonl
ledger export sweep.ledger.jsonl -o runs.csv
doctor sweep.toml --probe
bench --runs 20
"""
LOST_RESPONSES = """\
resolve sweep.toml
verify sweep.toml
recover sweep.toml --ledger new.ledger.jsonl
status sweep.ledger.jsonl new.ledger.jsonl --by region --gone
resolve sweep.toml ndvi-us-2024 --adopt-held --yes
ledger check broken.ledger.jsonl
ledger compact sweep.ledger.jsonl
"""
ENDED_EARLY = """\
rerun sweep.toml --where year=2023 --yes
cancel sweep.toml --yes
submit sweep.toml --retry rejected --stop-after-failures 1 --yes
submit sweep.toml --extend --where region=eu --yes
status sweep.toml --gone
"""


def test_the_keys_of_every_document_are_on_the_page(
    service: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    page, ledger = documented(), Path("sweep.ledger.jsonl")
    wrong = list(run(ONE_BATCH, page, capsys))
    forget(ledger, "ndvi-us-2024", "ndvi-us-2025")
    Path("broken.ledger.jsonl").write_text(ledger.read_text("utf-8") + ledger.read_text("utf-8"), "utf-8")
    set_up(service, payload_rewrites=["mask_argument"])
    wrong += run(LOST_RESPONSES, page, capsys)
    set_up(service, payload_rewrites=[], run_s=60)
    wrong += run(ENDED_EARLY, page, capsys)
    assert wrong == []
    assert page.unseen() == set()


def test_every_command_with_json_has_a_section() -> None:
    groups = {name: getattr(command, "commands", {"": command}) for name, command in command_line().commands.items()}
    commands = {
        f"{group}-{name}".strip("-"): command
        for group, commands in groups.items()
        for name, command in commands.items()
    }
    with_json = {name for name, command in commands.items() if any("--json" in param.opts for param in command.params)}
    assert len(with_json) > 10
    assert sorted(with_json - set(documented().sections)) == []


def forget(ledger: Path, *names: str) -> None:
    """Leave only the attempts of runs: as after a crash before their responses were recorded."""
    lines = [json.loads(line) for line in ledger.read_text("utf-8").splitlines()]
    keys = {line["key"] for line in lines if line.get("name") in names}
    kept = [line for line in lines if line.get("key") not in keys or line["event"] == "attempt"]
    ledger.write_text("".join(f"{json.dumps(line)}\n" for line in kept), "utf-8")


def set_up(service: EmulatorServer, **settings: object) -> None:
    httpx.put(f"{service.url}/_emulator/config", json=settings).raise_for_status()


def run(commands: str, page: Page, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """What the commands print that is not on the page."""
    for words in commands.splitlines():
        capsys.readouterr()
        app.run([*words.split(), "--json"])
        printed = capsys.readouterr().out
        name = words.split()[0] if not words.startswith("ledger") else "-".join(words.split()[:2])
        for document in documents(printed):
            is_failure = set(document) == {"problems", "exit_status"}
            found = page.wrong(document, FAILED_COMMAND if is_failure else name)
            yield from (f"{words}: {one}" for one in found)


def documents(printed: str) -> list[dict[str, Any]]:
    """``watch`` prints a line for each change before the last document."""
    return [json.loads(printed)] if printed.startswith("{\n") else [*map(json.loads, printed.splitlines())]
