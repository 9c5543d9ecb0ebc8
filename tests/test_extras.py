"""A package of an extra that is not installed: one wording everywhere."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from batchrun.emulator.http.tls import Certificates
from batchrun.errors import UsageError
from batchrun.extras import missing_extra
from batchrun.report.export import export
from batchrun.running import run
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import build_plan
from tests.report.ledgers import Story, batch_event, write_events

SWEEP = """\
version = 1
[run]
name = "job-{{t.id}}"
runtime = "tiny"
region = "r"
python = "s3://b/j.py"
[axes.t]
file = "t.parquet"
"""
ONE_RUN = SWEEP.replace("{{t.id}}", "one-run").partition("[axes")[0]


def read_parquet(folder: Path) -> None:
    (folder / "t.parquet").write_bytes(b"PAR1")
    build_plan(Manifest.parse(SWEEP, name="s", directory=folder))


def export_parquet(folder: Path) -> None:
    ledger = folder / "s.ledger.jsonl"
    write_events(ledger, [replace(batch_event(Story(axes={}), 1), manifest=ONE_RUN)])
    export(ledger, folder / "runs.parquet")


def make_certificates(_: Path) -> None:
    Certificates("localhost")


def use_the_emulator(folder: Path) -> None:
    (folder / "s.toml").write_text(ONE_RUN)
    run(folder / "s.toml", emulator=True)


@pytest.mark.parametrize(
    ("use", "package", "module", "message"),
    [
        (read_parquet, "pyarrow", "", "t.parquet: {}; pip install pyarrow"),
        (export_parquet, "pyarrow", "", "--output: {}; pip install pyarrow"),
        (make_certificates, "trustme", "", "--tls: {}; pip install cryptography fastapi httptools starlette trustme uvicorn"),
        (use_the_emulator, "uvicorn", "batchrun.emulator.http.server", "emulator: {}; pip install fastapi httptools starlette uvicorn"),
    ],
)  # fmt: skip
def test_whatever_needs_an_extra_says_so_in_the_same_words(
    use: Callable[[Path], None],
    package: str,
    module: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delitem(sys.modules, "batchrun.emulator.beside", raising=False)
    with pytest.raises(UsageError) as refused:
        use(tmp_path)
    assert str(refused.value) == message.format(f"requires the package {package}, which is not installed")


def test_a_missing_module_of_our_own_is_a_bug_and_no_missing_package() -> None:
    ours = ModuleNotFoundError("No module named 'batchrun.nowhere'", name="batchrun.nowhere")
    with pytest.raises(ModuleNotFoundError) as raised:
        missing_extra(ours, extra="emulator", wanted_by="emulator")
    assert raised.value is ours


def test_the_python_interface_does_not_hide_a_missing_module_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "batchrun.emulator.beside", None)
    with pytest.raises(ModuleNotFoundError, match="beside"):
        use_the_emulator(tmp_path)
