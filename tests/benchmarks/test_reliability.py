"""The comparison of ways to create runs: what it counts, and that it notices a run that was made twice."""

import json
import re
import sys
from pathlib import Path

import pytest

from benchmarks.reliability.__main__ import table
from benchmarks.reliability.contenders import CLIENTS, CONTENDERS, Contender
from benchmarks.reliability.match import Score, play

ROOT = Path(__file__).parents[2]
CARELESS = """
import os, ssl, time, urllib.request
url = os.environ["WHEROBOTS_API_BASE_URL"] + "/runs?region=aws-us-west-2"
headers = {"X-API-Key": os.environ["WHEROBOTS_API_KEY"], "Content-Type": "application/json"}
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
for name in open("names.txt").read().split():
    body = '{"name": "%s", "runtime": "tiny", "runPython": {"uri": "s3://acme/job.py"}}' % name
    try:
        urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), context=context).read()
    except Exception:
        pass
    time.sleep(0.3)
print("6 of 6 created")
"""
"""Begins anew each time it is started, and claims success."""


def score(seed: int, *, twice: int, claimed: int | None = 300) -> Score:
    return Score(
        contender="curl loop",
        seed=seed,
        created=300,
        twice=twice,
        missing=0,
        seconds=60.0,
        claimed=claimed,
        starts=3,
        exit_status=0,
    )


def test_the_table_shows_medians_and_their_range() -> None:
    rows = list(table([score(1, twice=40), score(2, twice=31), score(3, twice=33)], 300))
    assert rows[-1] == "| curl loop | 300 | 33 (31 to 40) | 0 | 300 | 60 |"


def test_a_claim_that_is_not_known_shows_as_unknown() -> None:
    assert list(table([score(1, twice=0, claimed=None)], 300))[-1] == "| curl loop | 300 | 0 | 0 | ? | 60 |"


def test_runs_made_twice_are_counted_at_the_service_whatever_the_client_claims(tmp_path: Path) -> None:
    script = tmp_path / "careless.py"
    script.write_text(CARELESS, "utf-8")
    result = play(Contender(name="careless", command=(sys.executable, script)), seed=1, runs=6, socket=None)
    assert (result.created + result.missing, result.claimed) == (6, 6)
    assert result.starts > 1
    assert result.twice >= 1  # it began anew each time, when at least one run existed


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
def test_each_client_is_a_program_that_exists(contender: Contender) -> None:
    assert [word for word in contender.command if isinstance(word, Path) and word.is_relative_to(CLIENTS)] or (
        contender.name == "batchrun"
    )
    assert all(word.exists() for word in contender.command if isinstance(word, Path))


def test_the_pages_show_the_figures_that_were_measured() -> None:
    document = json.loads((ROOT / "benchmarks/results/reliability.json").read_text("utf-8"))
    rows = "\n".join(table([Score(**one) for one in document["scores"]], document["runs"]))
    for page in ("README.md", "benchmarks/reliability/README.md"):
        assert rows in (ROOT / page).read_text("utf-8"), page
    shorter = (ROOT / "docs/explanation/alternatives.md").read_text("utf-8")
    for name, _created, twice, missing, reported, _seconds in (
        row.strip("| ").split(" | ") for row in rows.splitlines()[2:]
    ):
        assert f"| {name} | {twice} | {missing} | {reported} |" in shorter, name


def test_the_page_shows_the_throughput_that_was_measured() -> None:
    document = json.loads((ROOT / "benchmarks/results/results.json").read_text("utf-8"))
    page = (ROOT / "benchmarks/README.md").read_text("utf-8").replace("**", "").replace("`", "")
    for row in document["rows"]:
        if row["group"].startswith(("Submitting", "Growing")):
            figures = f"{row['count']:,} | {row['seconds']:,.2f} | {row['count'] / row['seconds']:,.0f}"
            assert f"| {row['name']} | {figures} |" in page, row
    for ratio in document["ratios"].values():
        assert re.search(rf"(?<![\d.])({ratio:.0f} times|{ratio:.1f} times|{ratio:.2f})(?!\d)", page), ratio
