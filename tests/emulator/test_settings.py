"""Settings come from Python, TOML and flags, and every mistake is reported."""

import tomllib
from pathlib import Path

import pytest

from batchrun.emulator.settings import EmulatorSettings, Faults, load_settings, with_changes
from batchrun.errors import UsageError


def test_flags_override_the_file_and_faults_are_merged(tmp_path: Path) -> None:
    file = tmp_path / "emulator.toml"
    file.write_text('speed = 60\nburst = 3\n[faults]\nconflict = 0.1\nhang = "1@5-6"\n')
    settings = load_settings(file, {"burst": 5, "faults": {"conflict": "0.2"}})
    assert (settings.speed, settings.burst) == (60, 5)
    assert settings.describe() == ["fault conflict = 0.2", "fault hang = 1@5-6", "burst = 5", "speed = 60.0"]


def test_the_defaults_are_described_as_no_misbehaviour() -> None:
    assert EmulatorSettings().describe() == ["no misbehaviour: every request is answered as the contract says"]


def test_the_key_is_in_no_text_of_the_settings() -> None:
    settings = EmulatorSettings(api_key="very-secret", faults=Faults(conflict=0.5))
    assert "very-secret" not in repr(settings) + "".join(settings.describe())


def test_every_mistake_is_reported_at_once_with_a_close_match() -> None:
    problems = with_changes(EmulatorSettings(), {"spede": 1, "run_s": -1, "faults": {"confict": 0.1, "xyzzy": 1}})
    assert isinstance(problems, tuple)
    fixes = {problem.place: problem.fix for problem in problems}
    assert fixes["spede"] == "did you mean speed?"
    assert fixes["faults.confict"] == "did you mean conflict?"
    assert fixes["faults.xyzzy"].startswith("use one of rate_limit, redirect, ")
    assert "run_s" in fixes


@pytest.mark.parametrize("text", ["speed = ", "speed = -1", "nothing = 1"])
def test_an_invalid_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "emulator.toml"
    file.write_text(text)
    with pytest.raises(UsageError):
        load_settings(file, {})
    with pytest.raises(UsageError, match="cannot be read"):
        load_settings(tmp_path / "missing.toml", {})


def test_every_setting_and_every_fault_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
    names = {*EmulatorSettings.model_fields, *Faults.model_fields}
    assert {name for name in names if f"`{name}`" not in text} == set()
    examples = [block.split("```")[0] for block in text.split("```toml\n")[1:]]
    loaded = {example.splitlines()[0]: load_settings(None, tomllib.loads(example)) for example in examples}
    assert loaded["# emulator.toml"].faults.conflict.text() == "1@100-200"
    assert loaded["[organizations]"].organizations == {"key-one": "acme", "key-two": "globex"}
