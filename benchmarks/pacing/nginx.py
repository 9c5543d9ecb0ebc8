"""The installed command behind nginx's own limiter, which hides its limit: ``limit_req`` with a burst of 8."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.pacing.sockets import emulator
from benchmarks.pacing.tables import head, row

__all__ = ["behind_nginx"]

CONFIG = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  log_format attempts "$msec $request_method $status";
  map $request_method $attempt {{ POST "all"; default ""; }}
  limit_req_zone $attempt zone=attempts:1m rate={rate}r/s;
  limit_req_status 429;
  upstream emulator {{ server {emulator}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      {limit}
      access_log {folder}/access.log attempts;
      proxy_pass http://emulator;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}
}}
"""
CASES = ((24, 0), (300, 130), (5_000, 130))
"""Runs, and the limit per second; 0 is none."""
BURST = 8
NGINX = shutil.which("nginx")
ROUNDS = 3
SWEEP = """\
version = 1
[run]
name    = "nginx-run-{{n}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/x.py"
args    = ["{{n}}"]
[submit]
max_points = 10000
[axes]
n = { from = 1, to = %d }
"""


def behind_nginx() -> None:
    print(
        f"\n## The installed command behind nginx: limit_req with a burst of {BURST}, no Retry-After, from a cold start\n"
    )
    if NGINX is None:
        print("nginx is not installed")
        return
    head(["limit", "runs", "seconds of submitting", "of the limit used", "refused"])
    for runs, rate in CASES:
        rounds = [_one(runs, rate) for _ in range(ROUNDS if runs * 10 < max(rate, 1) * 600 else 1)]
        seconds = statistics.median(took_s for took_s, _ in rounds)
        used = f"{runs / (rate * seconds):.1%}" if rate else ""
        limit = f"{rate}/s" if rate else "none"
        row([limit, f"{runs:,}", f"{seconds:.2f}", used, f"{statistics.median(refused for _, refused in rounds):g}"])


def _one(runs: int, rate: int) -> tuple[float, int]:
    """Seconds from the first POST to the last one, and how many were refused; as nginx saw them."""
    with tempfile.TemporaryDirectory() as name, emulator() as url, _nginx(Path(name), url, rate) as limited:
        sweep = Path(name, "nginx.toml")
        sweep.write_text(SWEEP % runs)
        command = [sys.executable, "-m", "batchrun", "submit", str(sweep), "--base-url", limited, "-y", "-q"]
        environment = os.environ | {"WHEROBOTS_API_KEY": "bench-key-12345"}
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        lines = [line.split() for line in Path(name, "access.log").read_text().splitlines()]
    posts = [(float(at), status) for at, method, status in lines if method == "POST"]
    return posts[-1][0] - posts[0][0], sum(status == "429" for _, status in posts)


@contextmanager
def _nginx(folder: Path, url: str, rate: int) -> Iterator[str]:
    """Nginx in front of the emulator; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    limit = f"limit_req zone=attempts burst={BURST} nodelay;" if rate else ""
    config = folder / "nginx.conf"
    config.write_text(
        CONFIG.format(folder=folder, port=port, rate=rate or 1, limit=limit, emulator=url.removeprefix("http://"))
    )
    process = subprocess.Popen([NGINX or "", "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_until_open(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10.0)


def _wait_until_open(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nginx does not listen on port {port}")
