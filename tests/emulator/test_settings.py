"""Settings come from Python, TOML and flags, and every mistake is reported."""

import tomllib
from pathlib import Path

import pytest

from batchrun.emulator.settings import TABLES, EmulatorSettings, Faults, load_settings, with_changes
from batchrun.errors import UsageError


def test_flags_override_the_file_and_faults_are_merged(tmp_path: Path) -> None:
    file = tmp_path / "emulator.toml"
    file.write_text('speed = 60\nburst = 3\n[faults]\nconflict = 0.1\nhang = "1@5-6"\n')
    settings = load_settings(file, {"burst": 5, "faults": {"conflict": "0.2"}})
    assert (settings.speed, settings.burst) == (60, 5)
    assert settings.describe() == ["fault conflict = 0.2", "fault hang = 1@5-6", "burst = 5", "speed = 60.0"]


def test_the_defaults_are_described_as_no_misbehaviour() -> None:
    assert EmulatorSettings().describe() == ["no faults: every request is answered as the contract says"]


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


def test_mistakes_in_rules_and_calls_are_reported_with_their_place() -> None:
    values = {
        "call_faults": {"eror": 1},
        "fail_where": [{"were": "--a b"}, {"share": 0.5}, {"where": "'"}],
        "refused_calls": {"logz": 404},
    }
    problems = with_changes(EmulatorSettings(), values)
    assert isinstance(problems, tuple)
    fixes = {problem.place: f"{problem.fact}: {problem.fix}" for problem in problems}
    assert "did you mean error?" in fixes["call_faults.eror"]
    assert "did you mean where?" in fixes["fail_where.0.were"]
    assert "a rule names arguments" in fixes["fail_where.1"]
    assert "cannot be split" in fixes["fail_where.2.where"]
    assert any(place.startswith("refused_calls.logz") for place in fixes)


def test_changing_one_read_fault_keeps_the_others_and_the_rules() -> None:
    settings = load_settings(None, {"fail_where": "--a b", "call_faults": {"error": 0.5}, "durations": []})
    changed = with_changes(settings, {"call_faults": {"hang": "1@5-6"}})
    assert isinstance(changed, EmulatorSettings)
    assert changed.fail_where == settings.fail_where
    assert changed.describe() == ["call fault error = 0.5", "call fault hang = 1@5-6", "fail_where = where --a b"]


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
    names = {*EmulatorSettings.model_fields, *(field for table in TABLES.values() for field in table.model_fields)}
    assert {name for name in names if f"`{name}`" not in text} == set()
    examples = [block.split("```")[0] for block in text.split("```toml\n")[1:]]
    loaded = {example.splitlines()[0]: load_settings(None, tomllib.loads(example)) for example in examples}
    assert loaded["# emulator.toml"].faults.conflict.text() == "1@100-200"
    assert loaded["fail_where = ["].fail_where[1].after == 0.2
    assert loaded["refused_calls = { logs = 404, costs = 403 }"].refused_calls == {"logs": 404, "costs": 403}
    assert loaded["[organizations]"].organizations == {"key-one": "acme", "key-two": "globex"}
