"""A local file to be uploaded."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from batchrun.sweep.local_file import LocalFile


@pytest.fixture
def local_file(tmp_path: Path) -> Callable[[int], LocalFile]:
    def make(size: int) -> LocalFile:
        path, content = tmp_path / "job.py", b"#" * size
        path.write_bytes(content)
        return LocalFile(path="job.py", source=path, sha256=sha256(content).hexdigest(), size=size)

    return make
