"""Options declared as dataclasses become options of each command that takes them."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from batchrun.cli.flags import SubmissionFlags, SweepFlags, expand_flags
from batchrun.errors import UsageError
from batchrun.ledger.fold import Outcome
from batchrun.sweep.manifest.manifest import Overrides, SubmitTable

calls: list[dict[str, Any]] = []


@expand_flags
def command(
    sweep: Path, *, first: bool = False, flags: SubmissionFlags, overrides: SweepFlags, last: bool = False
) -> int:
    """A command."""
    calls.append({"sweep": sweep, "first": first, "flags": flags, "overrides": overrides, "last": last})
    return 0


def invoke(*args: str) -> dict[str, Any]:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    return calls.pop()


def test_fields_take_the_place_of_their_group_in_the_signature() -> None:
    names = list(inspect.signature(command).parameters)
    assert names[:3] == ["sweep", "first", "emulator"]
    assert names[-2:] == ["max_points", "last"]
    assert "flags" not in names


def test_a_command_receives_what_was_typed_and_the_defaults_of_the_rest() -> None:
    called = invoke("a.toml", "--rate", "5", "--where", "x=1", "--where", "y=2", "--seed", "7", "--dry-run", "--last")
    assert called["sweep"] == Path("a.toml")
    assert called["flags"] == SubmissionFlags(rate=5.0, dry_run=True)
    assert called["overrides"] == SweepFlags(where=["x=1", "y=2"], seed=7)
    assert (called["first"], called["last"]) == (False, True)


def test_called_from_python_every_flag_may_be_left_out() -> None:
    assert command(Path("a.toml"), rate=2.0) == 0
    assert calls.pop()["flags"] == SubmissionFlags(rate=2.0)


def test_flags_take_precedence_over_the_manifest() -> None:
    flags = SubmissionFlags(rate=5.0, settle_after="1m", stop_after_failures="5%")
    settings = flags.settings(SubmitTable(rate=1.0, concurrency=3))
    assert (settings.rate, settings.concurrency, settings.settle_after_s, settings.stop_after_failures) == (
        5.0, 3, 60.0, 0.05,
    )  # fmt: skip


def test_the_resume_command_repeats_the_pacing_and_the_service_but_not_what_is_done_once() -> None:
    flags = SubmissionFlags(rate=5.0, base_url="http://localhost:1", timeout="10s", retry="failed", dry_run=True)
    assert flags.resume_command(Path("a.ledger.jsonl")) == (
        "batchrun", "resume", "a.ledger.jsonl", "--base-url", "http://localhost:1", "--timeout", "10s", "--rate", "5.0",
    )  # fmt: skip


def test_values_are_parsed_when_asked_for() -> None:
    flags = SubmissionFlags(retry="failed", timeout="2m")
    assert flags.retried_outcomes == {Outcome.FAILED}
    assert flags.timeout_s == 120
    with pytest.raises(UsageError, match="--timeout: 'soon' is not a duration"):
        _ = SubmissionFlags(timeout="soon").timeout_s


def test_sweep_flags_are_overrides() -> None:
    assert SweepFlags().overrides() == Overrides()
    flags = SweepFlags(set_=["run.runtime=large"], axis=["year=[2021]"], where=["a=b"], sample=5, seed=1, max_points=9)
    assert flags.overrides() == Overrides(
        set=("run.runtime=large",), axis=("year=[2021]",), where=("a=b",), sample=5, seed=1, max_points=9
    )
