"""Proxies of the environment, through the command."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import MANIFEST, Ended

Run = Callable[..., Ended]


@pytest.mark.parametrize(
    "proxy", ["garbage::::", "socks5://me:geheim-wort@127.0.0.1:1", "http://me:geheim-wort@127.0.0.1:1"]
)
def test_loopback_never_needs_a_proxy_uploads_included(
    proxy: str, tmp_path: Path, batchrun: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("ALL_PROXY", proxy)
    (tmp_path / "job.py").write_text("print(1)")
    (tmp_path / "jobs.toml").write_text(MANIFEST.replace("s3://acme/jobs/job.py", "./job.py"))
    ended = batchrun("submit", "jobs.toml", "--emulator", "-y", "-q")
    assert ended.status == 0, ended.err


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("garbage::::", "HTTPS_PROXY: 'garbage::::' is not the URL of a proxy"),
        ("socks5://me:geheim-wort@127.0.0.1:1", "HTTPS_PROXY: a proxy of type socks5 is not supported"),
        ("http://me:geheim-wort@127.0.0.1:1/pa th", "HTTPS_PROXY"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    proxy: str, words: str, tmp_path: Path, batchrun: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    (tmp_path / "jobs.toml").write_text(MANIFEST)
    ended = batchrun("submit", "jobs.toml", "-y", "--base-url", "https://api.nowhere.invalid", "--timeout", "2s")
    assert ended.status in {2, 3}
    assert words in ended.err
    assert "geheim" not in ended.out + ended.err
    assert not any("geheim" in path.read_text() for path in tmp_path.iterdir())
