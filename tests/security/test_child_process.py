"""Processes that batchrun starts: not from the current directory, and without the API key."""

from pathlib import Path

import pytest

from batchrun.emulator.process import EmulatorProcess
from tests.security.hostile import KEY, batchrun


@pytest.mark.slow
def test_bench_runs_nothing_from_the_current_directory(tmp_path: Path) -> None:
    for name in ("fastapi", "uvicorn", "msgspec", "batchrun"):
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'stolen')!r}, 'a').write('{name} ')\nraise SystemExit(9)\n"
        )
    installed = batchrun(tmp_path, "bench", "--runs", "20", "--json", "-y", isolated=True)
    assert not (tmp_path / "stolen").exists()
    assert installed.returncode == 0, installed.stderr


def test_the_emulator_s_process_does_not_get_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEROBOTS_API_KEY", KEY)
    with EmulatorProcess() as emulator:
        environ = Path(f"/proc/{emulator._process.pid}/environ").read_bytes()
        command = Path(f"/proc/{emulator._process.pid}/cmdline").read_bytes().split(b"\0")
    assert b"WHEROBOTS_API_KEY" not in environ
    assert b"-P" in command
