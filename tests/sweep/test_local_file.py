"""A file as it was when the sweep was planned."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from batchrun.sweep.local_file import LocalFile, UploadPlan, changed_uploads, placeholders_in


def file_of(path: Path, content: bytes) -> LocalFile:
    path.write_bytes(content)
    return LocalFile(path=f"jobs/{path.name}", source=path, sha256=sha256(content).hexdigest(), size=len(content))


def test_equal_content_under_an_equal_name_is_one_object_in_storage(tmp_path: Path) -> None:
    first = file_of(tmp_path / "job.py", b"x")
    (tmp_path / "copy").mkdir()
    copy = file_of(tmp_path / "copy" / "job.py", b"x")
    edited = file_of(tmp_path / "copy" / "job.py", b"y")
    assert first.storage_path == copy.storage_path != edited.storage_path
    assert first.storage_path == f"batchrun/{first.sha256[:16]}/job.py"


@pytest.mark.parametrize("name", ["job.py", 'quote".py', "back\\slash.py", "a#b.py", "ü.py"])
def test_a_placeholder_is_found_in_the_json_that_holds_it(tmp_path: Path, name: str) -> None:
    file = file_of(tmp_path / name.replace("\\", "_"), b"x")
    file = LocalFile(path=name, source=file.source, sha256=file.sha256, size=1)
    body = json.dumps({"runPython": {"uri": file.placeholder, "args": ["upload:", "upload:x#short"]}}).encode()
    assert [json.loads(b'"' + found + b'"') for found in placeholders_in(body)] == [file.placeholder]


def test_a_payload_without_one_has_none() -> None:
    assert placeholders_in(b'{"uri": "s3://acme/upload:job.py#3f"}') == []


def test_what_was_edited_is_named_and_what_is_gone_is_not(tmp_path: Path) -> None:
    files = {name: file_of(tmp_path / f"{name}.py", name.encode()) for name in ("same", "edited", "gone")}
    files["edited"].source.write_bytes(b"other")
    files["gone"].source.unlink()
    plan = [UploadPlan(file=file, runs={"eu": 1}) for file in files.values()]
    assert list(changed_uploads(plan)) == ["jobs/edited.py"]
