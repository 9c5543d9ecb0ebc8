"""What a plan uses beyond itself."""

from pathlib import Path

import pytest

from batchrun.cli.views.uses import outside_files, uses_lines
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan, read_plan, write_plan

TEXT = """\
version = 1

[run]
name    = "uses-run-{{tile.id}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "%s"
args    = ["{{tile.id}}", '","uri":"s3://not/this.py', "{{env.TOKEN}}"]

[axes.tile]
file = "%s"
"""


def planned(folder: Path, script: str = "s3://{{env.BUCKET}}/{{tile.id}}.py", file: str = "tiles.csv") -> Plan:
    (folder / "tiles.csv").write_text("id\n" + "".join(f"{number}\n" for number in range(100, 108)))
    manifest = Manifest.parse(TEXT % (script, file), name="sweep", directory=folder)
    return build_plan(manifest, environ={"BUCKET": "secret-bucket", "TOKEN": "secret-token"})


def test_scripts_and_names_are_shown_and_values_are_not(tmp_path: Path) -> None:
    scripts, names = uses_lines(planned(tmp_path))
    assert scripts.startswith("scripts: s3://<env.BUCKET>/100.py (1 run), s3://<env.BUCKET>/101.py (1 run)")
    assert scripts.endswith(", and 3 more")
    assert names == "environment values that are sent: BUCKET, TOKEN"


def test_one_script_is_counted(tmp_path: Path) -> None:
    assert uses_lines(planned(tmp_path, "s3://acme/job.py"))[0] == "script: s3://acme/job.py (8 runs)"


@pytest.mark.parametrize("file", ["../up.csv", "{absolute}", "link.csv"])
def test_files_elsewhere_are_shown(file: str, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    folder.mkdir()
    elsewhere = tmp_path / "up.csv"
    elsewhere.write_text("id\n1\n")
    (folder / "link.csv").symlink_to(elsewhere)
    plan = planned(folder, file=file.format(absolute=elsewhere))
    assert outside_files(plan) == [str(elsewhere)]
    assert uses_lines(plan)[-1] == f"files outside this folder: {elsewhere}"


def test_a_local_script_elsewhere_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    folder.mkdir()
    (tmp_path / "job.py").write_text("print(1)")
    plan = planned(folder, "../job.py")
    assert outside_files(plan) == [str(tmp_path / "job.py")]
    assert plan.scripts == ()


def test_the_folder_of_a_ledger_counts_and_not_what_it_says_of_its_sweep(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert outside_files(plan) == []
    assert outside_files(plan, ledger=tmp_path / "sweep.ledger.jsonl") == []
    assert outside_files(plan, ledger=tmp_path / "downloads" / "x.jsonl") == [str(tmp_path / "tiles.csv")]


def test_a_plan_file_shows_its_scripts(tmp_path: Path) -> None:
    (tmp_path / "tiles.csv").write_text("id\n1\n2\n")
    text = (TEXT % ('s3://acme/é\\"x.py', "tiles.csv")).replace(', "{{env.TOKEN}}"', "")
    write_plan(build_plan(Manifest.parse(text, name="sweep", directory=tmp_path)), tmp_path / "plan.jsonl")
    assert uses_lines(read_plan(tmp_path / "plan.jsonl")) == ['script: s3://acme/é"x.py (2 runs)']
