"""Local files in a sweep: read and hashed once, known by their content, refused where they cannot be uploaded."""

import os
import socket
from hashlib import sha256
from pathlib import Path

import pytest

from batchrun.errors import ManifestError
from batchrun.sweep.local_file import MAX_BYTES, LocalFile
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, build_plan, read_plan, write_plan
from batchrun.wherobots.identity import is_same_payload
from tests.sweep.conftest import Complainer, Planner

JOB = b"print('hello')\n"
MANIFEST = """\
version = 1

[run]
name    = "run-{{{{year}}}}-{{{{hash}}}}"
runtime = "tiny"
region  = "aws-us-west-2"
timeout = {timeout}
python  = "{python}"
args    = ["{{{{year}}}}"]

[axes]
year = [2021, 2022]
"""


def manifest(python: str = "./job.py", rest: str = "", timeout: str = '"2h"') -> str:
    return MANIFEST.format(python=python, timeout=timeout) + rest


def scripts(plan: Plan) -> list[str]:
    return [run.payload.run_python.uri for run in plan if run.payload.run_python is not None]


def test_a_script_appears_as_its_content_and_is_listed_once(planned: Planner, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_bytes(JOB)
    plan = planned(manifest())
    digest = sha256(JOB).hexdigest()
    assert scripts(plan) == [f"upload:job.py#{digest}"] * 2
    (upload,) = plan.uploads
    assert upload.file == LocalFile(
        path="./job.py", source=(tmp_path / "job.py").resolve(), sha256=digest, size=len(JOB)
    )
    assert upload.file.storage_path == f"batchrun/{digest[:16]}/job.py"
    assert upload.runs == {"aws-us-west-2": 2}
    assert [(file.path, file.sha256, file.size) for file in plan.files] == [("./job.py", digest, len(JOB))]


def test_the_same_content_is_the_same_run_and_an_edited_script_is_not(planned: Planner, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_bytes(JOB)
    (tmp_path / "old").mkdir()
    (tmp_path / "old/job.py").write_bytes(JOB)
    here, elsewhere = planned(manifest()), planned(manifest("old/job.py"))
    assert [run.key for run in here] == [run.key for run in elsewhere]
    (tmp_path / "job.py").write_bytes(JOB + b"#")
    assert not {run.key for run in planned(manifest())} & {run.key for run in here}


def test_a_path_may_come_from_an_axis_and_from_an_override(planned: Planner, tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_bytes(name.encode() + b" = 1\n")
    text = manifest("{{script}}", 'script = ["a.py", "b.py", "s3://acme/job.py"]\n')
    text += '[[override]]\nwhen = { year = 2022, script = "b.py" }\npython = "c.py"\n'
    plan = planned(text.replace("run-{{year}}-", "run-"))
    names = [uri.partition("#")[0] for uri in scripts(plan)]
    assert names == ["upload:a.py", "upload:b.py", "s3://acme/job.py", "upload:a.py", "upload:c.py", "s3://acme/job.py"]
    assert [(upload.file.name, sum(upload.runs.values())) for upload in plan.uploads] == [
        ("a.py", 2),
        ("b.py", 1),
        ("c.py", 1),
    ]


def test_jars_and_dependencies_may_be_local(planned: Planner, tmp_path: Path) -> None:
    for name in ("router.jar", "geo-1.0-py3-none-any.whl"):
        (tmp_path / name).write_bytes(b"PK")
    text = manifest('", jar = { uri = "').replace('python  = "", jar = { uri = ""', "")
    text = text.replace("timeout =", 'jar = { uri = "router.jar", main_class = "acme.Router" }\ntimeout =')
    text += '[[run.dependencies]]\nfile = "geo-1.0-py3-none-any.whl"\n[[run.dependencies]]\nfile = "s3://acme/x.zip"\n'
    plan = planned(text)
    payload = next(iter(plan)).payload
    assert payload.run_jar is not None
    assert payload.run_jar.uri.startswith("upload:router.jar#")
    paths = [getattr(one, "file_path", "") for one in payload.environment.dependencies]
    assert paths[0].startswith("upload:geo-1.0-py3-none-any.whl#")
    assert paths[1] == "s3://acme/x.zip"
    assert len(plan.uploads) == 2


@pytest.mark.parametrize("value", ["job.py", "", "file:///jobs/job.py", "bucket/job.py"])
def test_what_comes_from_the_environment_is_never_a_local_file(
    complaints: Complainer, tmp_path: Path, value: str
) -> None:
    (tmp_path / "job.py").write_bytes(JOB)
    fact = "{{env.SCRIPT}} is not a URI once the environment's values are in place"
    fix = "set it to an s3:// URI; only the manifest itself can name a file on this machine"
    assert complaints(manifest("{{env.SCRIPT}}"), None, {"SCRIPT": value}) == [f"run.python: {fact}; {fix}"]


def test_what_comes_from_the_environment_may_be_a_uri(planned: Planner) -> None:
    plan = planned(manifest("{{env.SCRIPT}}"), None, {"SCRIPT": "s3://acme/job.py"})
    assert (scripts(plan), plan.uploads) == (["s3://acme/job.py"] * 2, ())
    assert scripts(planned(manifest("{{env.SCRIPT}}"), None, None)) == ["<env.SCRIPT>"] * 2


def test_a_file_that_no_run_uses_is_not_uploaded(planned: Planner, tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(name.encode())
    text = manifest("{{script}}", 'script = ["a.py", "b.py"]\n[[exclude]]\nscript = "b.py"\n')
    assert [upload.file.name for upload in planned(text.replace("run-{{year}}-", "run-")).uploads] == ["a.py"]


def test_every_file_that_cannot_be_uploaded_is_reported_with_its_place(complaints: Complainer, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.py").touch()
    (tmp_path / "notes.txt").write_bytes(b"x")
    with (tmp_path / "huge.zip").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse: it takes no space
    os.mkfifo(tmp_path / "pipe.zip")
    names = ["missing.zip", "folder", "empty.py", "huge.zip", "pipe.zip", "notes.txt", "folder/../../x\\u0000.zip"]
    text = manifest("folder") + "".join(f'[[run.dependencies]]\nfile = "{name}"\n' for name in names[:1] + names[3:])
    text += '[[override]]\nwhen = { year = 2022 }\npython = "empty.py"\n'
    check = "check the path, which is relative to the manifest. A script in storage needs its s3:// URI"
    size = f"has {MAX_BYTES + 1:,} bytes, and at most {MAX_BYTES:,} can be uploaded"
    assert complaints(text) == [
        f"run.dependencies[0].file: local file 'missing.zip' cannot be read: No such file or directory; {check}",
        f"run.dependencies[1].file: local file 'huge.zip' {size}; put it into storage yourself and use its s3:// URI",
        "run.dependencies[2].file: local file 'pipe.zip' is not a regular file; pass the path of a file",
        "run.dependencies[3].file: 'notes.txt' is not a file that can be a dependency; use one of .jar, .json, .whl, .zip",
        f"run.dependencies[4].file: local file 'folder/../../x\x00.zip' cannot be read: embedded null byte; {check}",
        "run.python: local file 'folder' is a directory; pass the path of a file",
        "override #1: python: local file 'empty.py' is empty; check that it was saved",
    ]


@pytest.mark.parametrize(
    ("python", "problem"),
    [
        ("", "the script's URI is empty; use an s3:// URI, or the path of a local file"),
        (
            "file:///jobs/job.py",
            (
                "'file:///jobs/job.py' is on this machine, where no run can read it; "
                "write the path without file://, and the file is uploaded"
            ),
        ),
    ],
)
def test_what_no_run_can_read_is_one_problem(complaints: Complainer, python: str, problem: str) -> None:
    assert complaints(manifest(python)) == [f"run.python: {problem}"]


def test_a_socket_is_refused_without_waiting(complaints: Complainer, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.zip"))
        (message,) = complaints(manifest("s.zip"))
    assert "cannot be read" in message


def test_names_with_odd_characters_survive(planned: Planner, tmp_path: Path) -> None:
    name = 'a b#c"d é.py'
    (tmp_path / name).write_bytes(JOB)
    plan = planned(manifest(name.replace('"', '\\"')))
    assert [upload.file.name for upload in plan.uploads] == [name]
    assert scripts(plan)[0] == f"upload:{name}#{sha256(JOB).hexdigest()}"


def test_a_recorded_file_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_bytes(b"edited")
    recorded = LocalFile(path="./job.py", source=tmp_path / "job.py", sha256=sha256(JOB).hexdigest(), size=len(JOB))
    parsed = Manifest.parse(manifest(), name="case", directory=tmp_path)
    plan = build_plan(parsed, recorded_files={"./job.py": recorded})
    assert [upload.file for upload in plan.uploads] == [recorded]


def test_a_plan_file_keeps_where_its_files_are(planned: Planner, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_bytes(JOB)
    plan = planned(manifest())
    write_plan(plan, tmp_path / "plan.jsonl")
    again = read_plan(tmp_path / "plan.jsonl")
    (upload,) = again.uploads
    assert (upload.file.source, upload.file.sha256, upload.file.size) == (
        (tmp_path / "job.py").resolve(),
        sha256(JOB).hexdigest(),
        len(JOB),
    )
    assert upload.runs == {"aws-us-west-2": 2}
    assert again.demands == plan.demands


def test_a_listed_run_is_recognised_wherever_its_script_went(planned: Planner, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_bytes(JOB)
    run = next(iter(planned(manifest())))
    listed = run.payload.model_dump(mode="json", by_alias=True)
    listed["runPython"]["uri"] = f"s3://acme-drive/batchrun/{sha256(JOB).hexdigest()[:16]}/job.py"
    assert is_same_payload(run.body, listed)
    listed["runPython"]["uri"] = f"s3://acme-drive/batchrun/{sha256(b'other').hexdigest()[:16]}/job.py"
    assert not is_same_payload(run.body, listed)


def test_demands_hold_each_runs_own_runtime_and_timeout(planned: Planner, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_bytes(JOB)
    text = manifest(rest='[[override]]\nwhen = { year = 2022 }\nruntime = "large"\ntimeout = 60\n')
    found = [(one.runtime, one.timeout_s, one.runs) for one in planned(text).demands]
    assert found == [("large", 60, 1), ("tiny", 7200, 1)]


@pytest.mark.parametrize(
    ("script", "more", "warnings"),
    [
        ("import helper\n", {"helper.py": ""}, ["./job.py: imports 'helper', and helper.py is not uploaded with it"]),
        (
            "from pkg.sub import x\n",
            {"pkg/__init__.py": ""},
            ["./job.py: imports 'pkg', and pkg/ is not uploaded with it"],
        ),
        ("from . import helper\n", {"helper.py": ""}, []),
        ("import json, numpy\n", {}, []),
        ("import job\n", {}, []),
        ("def f(:\n", {}, ["./job.py: does not parse: invalid syntax (line 1)"]),
        ("\x00", {}, ["./job.py: does not parse: source code string cannot contain null bytes"]),
        ("(" * 5000 + ")" * 5000, {}, ["./job.py: does not parse: too many nested parentheses (line 1)"]),
    ],
)
def test_a_script_whose_modules_stay_behind_earns_a_warning(
    script: str, more: dict[str, str], warnings: list[str], planned: Planner, tmp_path: Path
) -> None:
    (tmp_path / "job.py").write_text(script)
    for name, text in more.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert [f"{warning.place}: {warning.fact}" for warning in planned(manifest()).warnings] == warnings


def test_a_module_in_a_listed_archive_is_no_reason_to_warn(planned: Planner, tmp_path: Path) -> None:
    import zipfile  # noqa: PLC0415 - only here

    (tmp_path / "job.py").write_text("import helper, tools\n")
    for name in ("helper.py", "tools.py"):
        (tmp_path / name).touch()
    with zipfile.ZipFile(tmp_path / "libs.zip", "w") as archive:
        archive.writestr("helper.py", "")
    text = manifest(rest='[[run.dependencies]]\nfile = "libs.zip"\n[[run.dependencies]]\nfile = "s3://a/tools.zip"\n')
    assert planned(text).warnings == ()


def test_a_file_that_grows_while_it_is_read_is_refused(
    planned: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job.py").write_bytes(JOB)
    real = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        with (tmp_path / "job.py").open("ab") as file:
            file.write(b"#")
        return found

    monkeypatch.setattr("batchrun.sweep.render.local_files.os.fstat", grow)
    with pytest.raises(ManifestError, match="changed while it was read"):
        planned(manifest())
