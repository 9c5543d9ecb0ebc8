"""Commands and options that exist, and errors for those that do not."""

import subprocess
import sys
from pathlib import Path

import pytest

from batchrun.cli.app import COMMANDS, command_line
from tests.cli.conftest import Run

HEAVY = ["httpx", "aiohttp", "pydantic", "rich.console", "msgspec", "anyio", "batchrun.engine.submit"]


def test_help_lists_every_command(batchrun: Run) -> None:
    ended = batchrun("--help")
    assert ended.status == 0
    assert all(f"\n  {name} " in ended.out for name in COMMANDS)


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from batchrun.cli.app import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert [name for name in HEAVY if f"'{name}'" in done.stderr] == []


def test_a_batch_without_local_files_loads_no_second_http_library(installed: Run, sweep: Path) -> None:
    ended = installed("submit", sweep, "-y", WHEROBOTS_API_BASE_URL="http://127.0.0.1:9", PYTHONPROFILEIMPORTTIME="1")
    assert ended.status == 3
    loaded = {line.rpartition("|")[2].strip() for line in ended.err.splitlines()}
    assert ("aiohttp" in loaded, "httpx" in loaded) == (True, False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_name_and_help(name: str) -> None:
    command = command_line().commands[name]
    assert command.name == name
    assert (command.help or "").strip()


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_printed(batchrun: Run, flag: str) -> None:
    ended = batchrun(flag)
    assert ended.out.startswith("batchrun 0.")
    assert ended.status == 0


@pytest.mark.parametrize(
    ("words", "start"),
    [(["help"], "Usage: batchrun [OPTIONS]"), (["help", "ledger", "check"], "Usage: batchrun ledger check [OPTIONS]")],
)
def test_help_is_a_word_too(batchrun: Run, words: list[str], start: str) -> None:
    ended = batchrun(*words)
    assert ended.status == 0
    assert ended.out.startswith(start)


def test_help_for_a_command_that_does_not_exist_says_so(batchrun: Run) -> None:
    ended = batchrun("help", "sbmit")
    assert ended.status == 2
    assert "no such command 'sbmit'; did you mean submit?" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sbmit"], "error: batchrun: no such command 'sbmit'; did you mean submit?"),
        (["--jsno"], "error: batchrun: no such option: --jsno; see batchrun --help"),
        (["status", "--jsno"], "error: batchrun status: no such option: --jsno; did you mean --json?"),
        (["resume"], "error: batchrun resume: missing argument 'LEDGER'; see batchrun resume --help"),
        (["submit", "s.toml", "--rate"], "error: batchrun submit: option '--rate' requires an argument"),
        (["submit", "s.toml", "--rate", "fast"], "batchrun submit: invalid value for '--rate': must be a number; see"),
        (["watch", "s.toml", "--until", "never"], "'--until': 'never' is not one of 'all', 'first-failure'; see"),
        (["plan", "s.toml", "--show", "-1"], "'--show': must be greater than or equal to 0; see batchrun plan"),
    ],
)
def test_an_unknown_command_or_option_is_reported_with_its_place_and_a_fix(
    batchrun: Run, words: list[str], message: str
) -> None:
    ended = batchrun(*words)
    assert ended.status == 2
    assert message in ended.err
    assert ended.out == ""


def test_a_mistake_with_json_is_one_document(batchrun: Run) -> None:
    ended = batchrun("status", "--json", "nowhere.ledger.jsonl")
    assert ended.status == 4
    assert ended.document["exit_status"] == 4
    assert ended.document["problems"][0]["place"] == "nowhere.ledger.jsonl"


def test_without_arguments_the_help_is_shown(batchrun: Run) -> None:
    ended = batchrun()
    assert ended.status == 2
    assert "Commands:" in ended.err


def test_escape_codes_in_an_argument_are_written_out(batchrun: Run) -> None:
    ended = batchrun("status", "\x1b[2Jnowhere")
    assert "\x1b" not in ended.err
    assert r"\x1b[2Jnowhere" in ended.err
