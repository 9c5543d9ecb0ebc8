"""Where a sweep's ledger is."""

from pathlib import Path

import pytest

from batchrun.ledger.location import default_ledger


@pytest.mark.parametrize(
    ("sweep", "ledger", "emulated"),
    [
        ("jobs/sweep.toml", "jobs/sweep.ledger.jsonl", "jobs/sweep.emulator.ledger.jsonl"),
        ("plan.v2.jsonl", "plan.v2.ledger.jsonl", "plan.v2.emulator.ledger.jsonl"),
        ("sweep", "sweep.ledger.jsonl", "sweep.emulator.ledger.jsonl"),
        (".", ".ledger.jsonl", ".emulator.ledger.jsonl"),
    ],
)
def test_it_is_beside_the_sweep_and_the_emulators_is_another(sweep: str, ledger: str, emulated: str) -> None:
    found = default_ledger(Path(sweep)), default_ledger(Path(sweep), emulator=True)
    assert found == (Path(ledger), Path(emulated))
