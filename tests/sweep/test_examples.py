"""The examples give what their comments say, and the same bytes every time."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import Plan, PlannedRun, build_plan, read_plan, write_plan
from batchrun.wherobots.identity import payload_json, run_key
from tests.sweep.conftest import MANIFESTS

EXAMPLES = sorted(MANIFESTS.glob("*.toml"))


def example(name: str) -> Plan:
    return build_plan(Manifest.load(MANIFESTS / f"{name}.toml"))


def arguments(run: PlannedRun) -> list[str]:
    script = run.payload.run_python or run.payload.run_jar
    assert script is not None
    return script.args


def test_every_region_meets_every_year() -> None:
    runs = list(example("ndvi"))
    assert len(runs) == 12
    assert (runs[0].name, runs[1].name) == ("ndvi-us-west-2021", "ndvi-us-west-2022")
    assert runs[-1].name == "ndvi-eu-2024"


def test_excluded_and_included_points_are_counted() -> None:
    plan = example("flood")
    assert [(step.name, step.count) for step in plan.steps] == [("product", 72), ("exclude", 56), ("include", 59)]
    assert [(hit.rule, hit.points) for hit in plan.hits] == [("exclude #1", 12), ("exclude #2", 4)]
    first, *_, last = plan
    assert first.name == "flood-nyc-10m-202301"
    assert arguments(first)[4:8] == ["--start", "2023-01-01", "--end", "2023-02-01"]
    assert arguments(last)[6:8] == ["--end", "2024-02-01"]
    assert last.name == "flood-sea-60m-202401"


def test_overrides_hit_what_they_name() -> None:
    plan = example("routes")
    assert [hit.points for hit in plan.hits] == [2, 1]
    ch = next(run.payload for run in plan if run.name == "route-us-ch")
    assert (ch.runtime, ch.timeout_seconds) == ("large", 6 * 3600)
    assert ch.run_jar is not None
    assert ch.run_jar.args[-1] == "--contract"
    assert ch.environment.spark_configs == {
        "spark.sql.shuffle.partitions": "2000",
        "spark.sql.adaptive.enabled": "true",
        "spark.speculation": "true",
        "spark.speculation.interval": "5s",
    }
    assert len(ch.environment.dependencies) == 3


@pytest.fixture
def ten_thousand_tiles(tmp_path: Path) -> Path:
    """The tiles example beside a large file of its own."""
    shutil.copy(MANIFESTS / "tiles.toml", tmp_path)
    with (tmp_path / "tiles.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tile_id", "lon", "lat", "zone", "size"])
        for n in range(10_000):
            writer.writerow([f"{n:06d}", "-131.6289", f"{n % 181 - 90}.0", n % 60 + 1, "sml"[n % 3]])
    return tmp_path / "tiles.toml"


def test_a_file_of_ten_thousand_rows_is_filtered(ten_thousand_tiles: Path) -> None:
    runs = list(build_plan(Manifest.load(ten_thousand_tiles)))
    assert len(runs) == sum(-60 <= n % 181 - 90 <= 75 for n in range(10_000))
    assert runs[0].name == "tile-000030"
    assert arguments(runs[0]) == ["--tile", "000030", "--point", "POINT(-131.6289 -60.0)", "--epsg", "32631"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_body_is_what_the_model_would_send(path: Path) -> None:
    for run in build_plan(Manifest.load(path)):
        assert run.body == payload_json(run.payload)
        assert run.key == run_key(run.region, run.body)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_plan_is_the_same_bytes_in_every_process(path: Path, tmp_path: Path) -> None:
    written = set()
    for seed in ("0", "1"):
        target = tmp_path / f"{seed}.jsonl"
        words = [sys.executable, "-m", "batchrun", "plan", str(path), "-o", str(target)]
        subprocess.run(words, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
        written.add(target.read_bytes())
    assert len(written) == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_plan_written_is_the_plan_read(path: Path, tmp_path: Path) -> None:
    plan = build_plan(Manifest.load(path))
    write_plan(plan, tmp_path / "plan.jsonl")
    again = read_plan(tmp_path / "plan.jsonl")
    assert list(again) == list(plan)
    assert (again.sha256, again.runs, again.totals) == (plan.sha256, plan.runs, plan.totals)
