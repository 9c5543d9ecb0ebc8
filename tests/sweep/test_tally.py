"""Totals from one pass over the runs of a plan."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

import batchrun.sweep.tally as tally_module
from batchrun.sweep.local_file import LocalFile
from batchrun.sweep.runs import PlannedRun
from batchrun.sweep.tally import Demand, Script, Tally, Total, script_in


def run_of(name: str, *, region: str = "eu", uri: str = "s3://acme/job.py", keyed: str | None = None) -> PlannedRun:
    body, keyed_body = (
        None if text is None else json.dumps({"runPython": {"args": [], "uri": text}}, separators=(",", ":")).encode()
        for text in (uri, keyed)
    )
    assert body is not None
    return PlannedRun(
        index=0, key=f"key-{name}", name=name, region=region, body=body, point_json=b"{}", keyed_body=keyed_body
    )


def tally_of(*runs: PlannedRun) -> Tally:
    tally = Tally()
    for run in runs:
        tally.add(run, "tiny", 60)
    return tally


def test_a_name_that_may_be_taken_is_reported() -> None:
    tally = Tally()
    assert [tally.add(run_of(name), "tiny", 60) for name in ("a", "b", "a")] == [True, True, False]


@pytest.mark.parametrize(
    ("names", "prefix"),
    [(("tile-9", "tile-10", "tile-2"), "tile-"), (("a",), "a"), (("a-1", "b", "a-2"), ""), ((), "")],
)
def test_what_all_names_begin_with(names: tuple[str, ...], prefix: str) -> None:
    assert tally_of(*map(run_of, names)).name_prefix() == prefix


def test_the_digest_is_of_keys_and_names_in_order_and_of_nothing_else() -> None:
    one, two = run_of("a"), run_of("b")
    assert tally_of(one, two).digest.hexdigest() == sha256(b"key-aa\nkey-bb\n").hexdigest()
    assert tally_of(two, one).digest.digest() != tally_of(one, two).digest.digest()
    assert tally_of(run_of("a", region="us")).digest.digest() == tally_of(one).digest.digest()


def test_demands_are_told_apart_by_timeout_and_totals_are_not() -> None:
    tally = Tally()
    for region, runtime, timeout_s in [("us", "tiny", 60), ("eu", "tiny", 60), ("eu", "tiny", 90), ("eu", "tiny", 60)]:
        tally.add(run_of("a", region=region), runtime, timeout_s)
    assert tally.demands() == (Demand("eu", "tiny", 60, 2), Demand("eu", "tiny", 90, 1), Demand("us", "tiny", 60, 1))
    assert tally.totals() == (Total("eu", "tiny", 3), Total("us", "tiny", 1))


def test_scripts_are_shown_without_the_environments_values_and_without_local_files() -> None:
    local = f"upload:job.py#{'0' * 64}"
    tally = tally_of(
        run_of("a", uri="https://acme/job.py?token=secret", keyed="https://acme/job.py?token=<env.TOKEN>"),
        run_of("b", uri=local),
        *(run_of(f"c{number}", uri='s3://acme/"ü".py') for number in range(2)),
    )
    assert tally.scripts() == (Script('s3://acme/"ü".py', 2), Script("https://acme/job.py?token=<env.TOKEN>", 1))


def test_an_argument_that_looks_like_a_script_is_none() -> None:
    value = {"args": ['"runPython":{"uri":"s3://other/x.py"}'], "uri": "s3://acme/job.py"}
    body = json.dumps({"name": '"runJar":{"uri":"x"', "runPython": value}, separators=(",", ":")).encode()
    assert (script_in(body), script_in(b'{"name":"a"}')) == (b"s3://acme/job.py", b"")


def test_of_many_scripts_only_the_first_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "KEPT_SCRIPTS", 2)
    tally = tally_of(*(run_of(f"{number}", uri=f"s3://acme/{number % 3}.py") for number in range(6)))
    assert tally.scripts() == (Script("s3://acme/0.py", 2), Script("s3://acme/1.py", 2))


def test_a_large_plan_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "KEPT_RUNS", 2)
    runs = [run_of(f"{number}") for number in range(4)]
    assert tally_of(*runs[:2]).kept == runs[:2]
    assert (tally_of(*runs[:3]).kept, tally_of(*runs).kept, tally_of(*runs).runs) == (None, None, 4)


def test_files_that_a_run_uses_are_uploaded_to_its_regions() -> None:
    files = [
        LocalFile(path=path, source=Path("/") / path, sha256=digit * 64, size=1)
        for path, digit in (("z.py", "1"), ('jobs/"a".py', "2"), ("unused.py", "3"))
    ]
    last, first, _ = files
    runs = [run_of("a", uri=last.placeholder), run_of("b", uri=last.placeholder, region="us")]
    found = tally_of(*runs, run_of("c", uri=first.placeholder)).uploads(files)
    assert [(upload.file.path, upload.runs) for upload in found] == [
        ('jobs/"a".py', {"eu": 1}),
        ("z.py", {"eu": 1, "us": 1}),
    ]
